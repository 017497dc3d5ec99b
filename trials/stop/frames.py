"""The frames that the carriers of `make trial NAME=stop` send.

No two frames are equal: each holds its call and its number, so that the trial can compare what is
stored with what was sent, without keeping it.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from tests.sink.raw import TEXT, websocket_frame

FRAME = 160
"""samples of 20 ms, bytes of PCMU"""

TRACKS = ("inbound", "outbound")

_MARK = struct.Struct(">III")
_BINARY = b"\x82" + bytes([0x80 | 126]) + struct.pack("!H", FRAME) + bytes(4)
"""a binary frame's header; its mask is zero"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a carrier sent of one track, frame after frame."""

    call: int
    carrier: str
    track: int
    """its place in `TRACKS`"""
    first: int
    """the tick of its first frame"""
    at_stop: int
    """frames sent when SIGTERM was"""
    in_all: int
    code: int = 0
    """of the sink's close; 0: none came"""

    @property
    def call_key(self) -> str:
        """Return the call's key."""
        return f"main/{self.carrier}/{call_id(self.call)}"


def call_id(call: int) -> str:
    """Return a call's id."""
    return f"c-{call}"


def mark(call: int, track: int, tick: int) -> bytes:
    """Return the twelve bytes that only this frame begins with."""
    return _MARK.pack(call, track, tick)


@lru_cache(maxsize=4096)
def noise(track: int, tick: int) -> bytes:
    """Return the rest of a frame: that of all calls in a tick."""
    return Random(f"{track} {tick}").randbytes(FRAME - _MARK.size)


def payload(call: int, track: int, tick: int) -> bytes:
    """Return a frame's encoded audio."""
    return mark(call, track, tick) + noise(track, tick)


@dataclass(frozen=True, slots=True)
class Tick:
    """What all calls' messages of a track have in common in one tick."""

    number: int
    noise: bytes
    before: bytes
    """Bandwidth: the frame's header and the message as far as the payload"""
    after: bytes
    """Bandwidth: the rest of payload and message"""

    @classmethod
    def of(cls, track: int, number: int) -> Tick:
        """Make a tick's parts."""
        rest = noise(track, number)
        message = {"eventType": "media", "sequenceNumber": str(number + 1), "track": TRACKS[track]}
        head = json.dumps(message, separators=(",", ":"))[:-1] + ',"payload":"'
        tail = base64.b64encode(rest).decode() + '"}'
        whole = websocket_frame(TEXT, (head + "=" * 16 + tail).encode())
        return cls(number, rest, whole[: -len(tail) - 16], tail.encode())

    def bandwidth(self, call: int, track: int) -> list[bytes]:
        """Return a media message's parts."""
        return [self.before, base64.b64encode(mark(call, track, self.number)), self.after]

    def tap(self, call: int, track: int) -> list[bytes]:
        """Return a SignalWire tap's message in parts."""
        return [_BINARY, mark(call, track, self.number), self.noise]

    def rtp(self, call: int, track: int) -> list[bytes]:
        """Return an RTP packet in parts."""
        head = struct.pack(
            "!BBHII", 0x80, 0, self.number & 0xFFFF, self.number * FRAME, 2 * call + track + 1
        )
        return [head, mark(call, track, self.number), self.noise]
