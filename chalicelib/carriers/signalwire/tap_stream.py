"""SignalWire `tap` to a WebSocket: bare codec bytes, one direction a socket.

The socket carries only audio: no start, no stop, no call id, no codec. What a start message would
say is in the path that SWML filled, `/signalwire-tap/{token}/{call_id}/{direction}`
(docs/reference/wire/signalwire-tap.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.capture.events import Clock, Media, StreamStarted, Track
from chalicelib.carriers.contract.stream import holds_variable, is_carrier_id
from chalicelib.carriers.contract.stream_limits import StreamLimits
from chalicelib.errors import InvalidRequest, WireError

NAME = "signalwire-tap"
PARAMETERS = ("call_id", "direction")
"""of the path, after the token"""

TRACKS: Mapping[str, Track] = MappingProxyType(
    {"speak": Track.INBOUND, "listen": Track.OUTBOUND, "both": Track.MIXED}
)
"""SWML's directions. That `both` is one mixed channel is known from consumers; no page says so."""

_OTHER_DIALECT = re.compile(r'"eventType"\s*:|"event"\s*:\s*"(?:connected|start|media)"')


class SignalWireTap:
    """One tap's socket. Raises InvalidRequest for a path that names no call or no direction."""

    name = NAME
    clock = Clock.ARRIVAL
    limits = StreamLimits()

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._call_id = _call_id(parameters["call_id"])
        self._direction = parameters["direction"]
        self._track = _track(self._direction)
        self._heard = False

    def open(self) -> StreamStarted:
        """Return the start that the path tells; its encoding is the profile's."""
        return StreamStarted(
            call_id=self._call_id,
            carrier_stream_id=carrier_stream_id(self._call_id, self._direction),
            tracks=(self._track,),
            encoding=None,
        )

    def play(self, _pcm: bytes) -> None:
        """Return None: a tap leads one way."""

    def receive(self, message: str | bytes) -> Media | None:
        """Return a binary message's bytes as media; None for text and for empty messages.

        Raises WireError `wrong_dialect` for another dialect's JSON before the first media.
        """
        if isinstance(message, str):
            if not self._heard and _OTHER_DIALECT.search(message):
                raise WireError(NAME, "JSON of another dialect came first", code="wrong_dialect")
            return None
        if not message:
            return None
        self._heard = True
        return Media(self._track, message)


def carrier_stream_id(call_id: str, direction: str) -> str:
    """Return the id that joins a tap's socket with its webhook: the carrier gives none."""
    return f"{call_id}/{direction}"


def _call_id(text: str) -> str:
    if holds_variable(text):
        raise InvalidRequest(f"call_id: {text[:80]!r} is not filled in", code="unresolved_variable")
    if not is_carrier_id(text):
        raise InvalidRequest("call_id: not 1 to 128 visible ASCII characters", code="bad_call_id")
    return text


def _track(direction: str) -> Track:
    try:
        return TRACKS[direction]
    except KeyError:
        raise InvalidRequest(
            f"direction: {direction[:80]!r} is none of {', '.join(TRACKS)}", code="bad_direction"
        ) from None
