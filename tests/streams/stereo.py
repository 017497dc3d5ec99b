"""A dialect that interleaves two tracks of L16 in each binary message, after one text message."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from chalicelib.capture.events import (
    Clock,
    DigitPressed,
    Encoding,
    Media,
    StreamEvents,
    StreamStarted,
    StreamStopped,
    Track,
)
from chalicelib.carriers.contract.stream import is_carrier_id
from chalicelib.carriers.contract.stream_limits import StreamLimits
from chalicelib.errors import WireError
from chalicelib.media.pcm import deinterleave

NAME = "stereo"
SUBPROTOCOL = "audio.example.org"
PAIR = 4
"""bytes of one sample of both tracks"""


class _Text(msgspec.Struct, rename="camel"):
    call_sid: str = ""
    sample_rate: int = 8000
    event: str = ""
    dtmf: str = ""


_decode = msgspec.json.Decoder(_Text, strict=False).decode


class Stereo:
    """One stream's socket."""

    name = NAME
    clock = Clock.ARRIVAL
    limits = StreamLimits(subprotocols=(SUBPROTOCOL,))

    def __init__(self, _parameters: Mapping[str, str]) -> None:
        self._rest = b""
        """of a pair that the next message completes"""

    def open(self) -> StreamStarted | None:
        """Return None: the start comes in band."""
        return None

    def receive(self, message: str | bytes) -> StreamEvents:
        """Return what one message says. Raises WireError."""
        if isinstance(message, str):
            return self._text(message)
        if not message:
            return StreamStopped()
        whole = self._rest + message if self._rest else message
        end = len(whole) - len(whole) % PAIR
        self._rest = whole[end:]
        if not end:
            return None
        inbound, outbound = deinterleave(whole[:end])
        return Media(Track.INBOUND, inbound), Media(Track.OUTBOUND, outbound)

    def play(self, _pcm: bytes) -> None:
        """Return None: the carrier plays nothing."""

    def _text(self, message: str) -> StreamEvents:
        try:
            said = _decode(message)
        except (ValueError, RecursionError) as error:
            raise WireError(NAME, str(error)[:200], code="not_json") from error
        if said.event == "dtmf":
            return DigitPressed(digit=said.dtmf)
        if not is_carrier_id(said.call_sid):
            raise WireError(NAME, "start: callSid names nothing", code="bad_start")
        return StreamStarted(
            call_id=said.call_sid,
            carrier_stream_id=f"stream-{said.call_sid}",
            tracks=(Track.INBOUND, Track.OUTBOUND),
            encoding=Encoding.L16,
            rate_hz=said.sample_rate,
        )


def start(call_id: str = "c-1", rate_hz: int = 16000) -> str:
    """Return the message that begins a stream."""
    return json.dumps({"callSid": call_id, "sampleRate": rate_hz, "mixType": "stereo"})
