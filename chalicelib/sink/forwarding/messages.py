"""The messages between the worker that has a carrier's socket and the one that owns its call.

A frame is four bytes of length (big-endian), then one message in msgpack. The worker with the
socket is the *forwarder*, the other one the *owner*. Streams are numbered within a connection. The
bytes are a contract between two versions: a struct's tag, and the order of its fields, never
change.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import msgspec

from chalicelib.capture.events import DigitPressed, StreamStarted, Track
from chalicelib.errors import WireError
from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.live_stream import Opening

NAME = "forwarding"

LARGEST = 256 * 1024
"""bytes of a message: a carrier's may have 64 KiB, and its labels as much again"""


class Hello(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=0):
    """Forwarder: who I am; the first message."""

    worker: str
    token: str


class Welcome(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """Owner: the token is valid."""


class KeepAlive(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """Either: I am alive."""


class StreamOpened(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """Forwarder: a stream of a call that you own."""

    number: int
    opening: Opening
    opened_us: int
    can_play: bool
    started: StreamStarted
    brought: tuple[tuple[Track, int], ...] = ()
    """as in `StreamHead`"""


class MediaReceived(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """Forwarder: the media of one message."""

    number: int
    track: Track
    payload: bytes
    arrival_us: int
    sequence: int | None


class StreamEnded(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """Forwarder: the stream ended; nothing follows."""

    number: int
    ending: Ending
    ended_us: int
    refused: int
    reason: str = ""
    """why the forwarding worker ended it; empty: it didn't"""


class KeepMedia(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=6):
    """Owner: whether a recording needs the stream's media now."""

    number: int
    is_kept: bool


class StreamStored(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=7):
    """Owner: the stream ended, and all of its media is stored."""

    number: int


class StreamRefused(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=8):
    """Owner: the carrier may not stream this call."""

    number: int
    code: str


class StreamReleased(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=9):
    """Owner: from here on, the stream's media is yours again."""

    number: int
    is_over: bool
    """I stop: claim the call; otherwise ask again who owns it"""
    is_taken: bool = True
    """what you forwarded until now is mine; otherwise the stream never began here"""


class DigitReceived(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=10):
    """Forwarder: a digit that the carrier reported beside the sound."""

    number: int
    pressed: DigitPressed
    arrival_us: int


class PlaySound(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=11):
    """Owner: play this sound to the party."""

    number: int
    pcm: bytes
    """L16, native order"""


ForwarderMessage = Hello | KeepAlive | StreamOpened | MediaReceived | DigitReceived | StreamEnded
StreamMessage = KeepMedia | StreamStored | StreamRefused | StreamReleased | PlaySound
"""what an owner says about one stream"""

Message = ForwarderMessage | Welcome | StreamMessage

_pack = msgspec.msgpack.Encoder().encode
_unpack: Callable[[memoryview], Message] = msgspec.msgpack.Decoder(Message).decode
_length_at = struct.Struct("!I").unpack_from


def frame(message: Message) -> bytes:
    """Return a message's frame."""
    body = _pack(message)
    return len(body).to_bytes(4) + body


class Frames:
    """Turns bytes into messages, however the bytes were split."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, received: bytes) -> Iterator[Message]:
        """Yield the complete messages. Raises WireError for what is no message."""
        whole = self._rest + received if self._rest else received
        view, at, end = memoryview(whole), 0, len(whole)
        while end - at >= 4:
            size = _length_at(whole, at)[0]
            if size > LARGEST:
                raise WireError(
                    NAME, f"a message of {size} bytes; the most is {LARGEST}", code="too_big"
                )
            if end - at - 4 < size:
                break
            yield _message(view[at + 4 : at + 4 + size])
            at += 4 + size
        self._rest = whole[at:]


def _message(body: memoryview) -> Message:
    try:
        return _unpack(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(NAME, str(error)[:200], code="bad_message") from error
