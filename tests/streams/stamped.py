"""A dialect whose messages tell their time, in any order: JSON text, base64 payload."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

import msgspec

from chalicelib.capture.events import (
    Clock,
    DigitPressed,
    Encoding,
    Media,
    StreamEvent,
    StreamEvents,
    StreamStarted,
    StreamStopped,
    Track,
)
from chalicelib.carriers.contract.stream import is_carrier_id
from chalicelib.carriers.contract.stream_limits import StreamLimits
from chalicelib.errors import WireError

NAME = "stamped"


class _Format(msgspec.Struct, frozen=True):
    encoding: Encoding = Encoding.PCMU
    sample_rate: int = 8000


class _Start(msgspec.Struct):
    call_control_id: str
    media_format: _Format = _Format()


class _Media(msgspec.Struct):
    track: Track
    payload: bytes
    timestamp: int
    """milliseconds since the stream's start; a decimal string on the wire"""
    chunk: int
    """counts the track's messages; a decimal string on the wire"""


class _Digit(msgspec.Struct):
    digit: str


class _Message(msgspec.Struct):
    event: str
    stream_id: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None


_decode = msgspec.json.Decoder(_Message, strict=False).decode
_decode_many = msgspec.json.Decoder(list[_Message], strict=False).decode


class Stamped:
    """One stream's socket."""

    name = NAME
    clock = Clock.TIMESTAMP
    limits = StreamLimits(is_base64=True)

    def __init__(self, _parameters: Mapping[str, str]) -> None:
        self._rate_hz = 8000

    def open(self) -> StreamStarted | None:
        """Return None: the start comes in band."""
        return None

    def receive(self, message: str | bytes) -> StreamEvents:
        """Return what one message says. Raises WireError."""
        try:
            said = _decode(message)
        except (ValueError, RecursionError) as error:
            raise WireError(NAME, str(error)[:200], code="wrong_type") from error
        return self._event(said)

    def receive_many(self, messages: Sequence[str | bytes]) -> Sequence[StreamEvent]:
        """Return what the messages of one read say. Raises WireError."""
        try:
            said = _decode_many(f"[{','.join(map(str, messages))}]")
        except (ValueError, RecursionError) as error:
            raise WireError(NAME, str(error)[:200], code="wrong_type") from error
        if len(said) != len(messages):
            raise WireError(NAME, "messages within a message", code="wrong_type")
        return [event for event in map(self._event, said) if event is not None]

    def _event(self, said: _Message) -> StreamEvent | None:
        if said.media is not None:
            media = said.media
            offset = media.timestamp * self._rate_hz // 1000
            return Media(media.track, media.payload, media.chunk, offset)
        if said.start is not None:
            return self._start(said.start, said.stream_id)
        if said.dtmf is not None:
            return DigitPressed(digit=said.dtmf.digit)
        if said.event == "stop":
            return StreamStopped()
        if said.event == "connected":
            return None
        raise WireError(NAME, f"event {said.event[:80]!r}", code="unknown_event")

    def play(self, _pcm: bytes) -> None:
        """Return None: the carrier plays nothing."""

    def _start(self, start: _Start, stream_id: str) -> StreamStarted:
        if not (is_carrier_id(start.call_control_id) and is_carrier_id(stream_id)):
            raise WireError(NAME, "start: an id names nothing", code="bad_start")
        self._rate_hz = start.media_format.sample_rate
        return StreamStarted(
            call_id=start.call_control_id,
            carrier_stream_id=stream_id,
            tracks=(Track.INBOUND, Track.OUTBOUND),
            encoding=start.media_format.encoding,
            rate_hz=self._rate_hz,
        )


def start(
    call_id: str = "c-1",
    stream_id: str = "s-1",
    encoding: Encoding = Encoding.PCMU,
    rate_hz: int = 8000,
) -> str:
    """Return the message that begins a stream."""
    media_format = {"encoding": encoding, "sample_rate": rate_hz, "channels": 1}
    told = {"call_control_id": call_id, "media_format": media_format}
    return json.dumps({"event": "start", "stream_id": stream_id, "start": told})


def media(
    payload: bytes, timestamp_ms: int, chunk: int, track: Track = Track.INBOUND, of: str = "s-1"
) -> str:
    """Return a media message."""
    told = {
        "track": track,
        "chunk": str(chunk),
        "timestamp": str(timestamp_ms),
        "payload": base64.b64encode(payload).decode(),
    }
    return json.dumps({"event": "media", "stream_id": of, "media": told})


STOP = json.dumps({"event": "stop", "stream_id": "s-1"})
