"""What two workers say to each other about a stream whose call only one of them captures.

A frame is four bytes of length (big-endian), then one message in msgpack. The worker that has the
carrier's socket *passes*, the other one *owns* the call. Streams have numbers within a connection.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import msgspec

from chalicelib.capture.events import DigitPressed, StreamStarted, Track
from chalicelib.errors import WireError
from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.live_stream import Opening

NAME = "relay"

LARGEST = 256 * 1024
"""bytes of a message: a carrier's may have 64 KiB, its labels as much again"""


class Hello(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=0):
    """Passer: who I am, first of all."""

    worker: str
    token: str


class Welcome(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """Owner: the token is good."""


class Alive(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """Either: nothing else to say."""


class Opened(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """Passer: a stream of a call that you own."""

    number: int
    opening: Opening
    opened_us: int
    can_play: bool
    started: StreamStarted
    brought: tuple[tuple[Track, int], ...] = ()
    """as in `StreamHead`"""


class Heard(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """Passer: a message's media."""

    number: int
    track: Track
    payload: bytes
    arrival_us: int
    sequence: int | None


class Ended(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """Passer: the stream ended; nothing follows."""

    number: int
    ending: Ending
    ended_us: int
    refused: int
    reason: str = ""
    """why the passing worker ended it; empty: it didn't"""


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=6):
    """Owner: whether the stream's media is wanted now."""

    number: int
    is_kept: bool


class Stored(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=7):
    """Owner: the stream ended, and all of its media is stored."""

    number: int


class Refused(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=8):
    """Owner: the carrier may not stream this call."""

    number: int
    code: str


class Released(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=9):
    """Owner: the stream's media is yours again from here on."""

    number: int
    is_over: bool
    """I go: claim the call; else ask again whose it is"""
    is_taken: bool = True
    """what was passed until now is mine; else it never began here"""


class Pressed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=10):
    """Passer: a digit that the carrier told beside the sound."""

    number: int
    pressed: DigitPressed
    arrival_us: int


class Play(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=11):
    """Owner: play this to the party."""

    number: int
    pcm: bytes
    """L16, native order"""


OfPasser = Hello | Alive | Opened | Heard | Pressed | Ended
OfStream = Kept | Stored | Refused | Released | Play
"""what an owner says of one stream"""

Said = OfPasser | Welcome | OfStream

_pack = msgspec.msgpack.Encoder().encode
_unpack: Callable[[memoryview], Said] = msgspec.msgpack.Decoder(Said).decode
_length_at = struct.Struct("!I").unpack_from


def frame(said: Said) -> bytes:
    """Return a message's frame."""
    body = _pack(said)
    return len(body).to_bytes(4) + body


class Frames:
    """Bytes in, messages out, wherever the bytes were cut."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, received: bytes) -> Iterator[Said]:
        """Yield the messages that are whole. Raises WireError for what is none."""
        whole = self._rest + received if self._rest else received
        view, at, end = memoryview(whole), 0, len(whole)
        while end - at >= 4:
            size = _length_at(whole, at)[0]
            if size > LARGEST:
                raise WireError(NAME, f"a message of {size} bytes", code="too_big")
            if end - at - 4 < size:
                break
            yield _said(view[at + 4 : at + 4 + size])
            at += 4 + size
        self._rest = whole[at:]


def _said(body: memoryview) -> Said:
    try:
        return _unpack(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(NAME, str(error)[:200], code="bad_message") from error
