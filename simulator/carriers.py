"""The carriers that can be simulated: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol
from uuid import uuid4

from chalicelib.capture.events import Track
from simulator.bandwidth import Bandwidth
from simulator.datagrams import Datagrams
from simulator.line import Line
from simulator.report import Ended
from simulator.rtp_tap import RtpSocket
from simulator.schedule import Action, Faults, Send
from simulator.signalwire_tap import SignalWireTap
from simulator.socket import Setup, Socket


class Wire(Protocol):
    """What a socket's plan is carried out on."""

    async def act(self, action: Action) -> None:
        """Do one thing of the plan. Raises LineEnded where the sink ended the socket."""

    async def end(self, faults: Faults) -> Ended:
        """Say the last words, as far as the faults let it, and leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A dialect's row: its sockets, the ids of its calls, and what it makes of directions."""

    sockets: Callable[[Setup], list[Socket]]
    wire: Callable[[Any, Callable[[Send], None]], Wire]
    """made of one of these sockets; tells each payload that went out"""
    call_id: Callable[[], str]
    directions: Mapping[str, tuple[Track, ...]]
    """the usual ones first"""


def _taps(setup: Setup) -> list[Socket]:
    return [SignalWireTap(setup, track) for track in setup.tracks]


def _stream(setup: Setup) -> list[Socket]:
    return [Bandwidth(setup)]


def _rtp_taps(setup: Setup) -> list[Socket]:
    return [RtpSocket(setup, track) for track in setup.tracks]


_SIDES = {
    "speak,listen": (Track.INBOUND, Track.OUTBOUND),
    "speak": (Track.INBOUND,),
    "listen": (Track.OUTBOUND,),
}

CARRIERS: Mapping[str, Carrier] = MappingProxyType(
    {
        "signalwire-tap": Carrier(
            sockets=_taps,
            wire=Line,
            call_id=lambda: str(uuid4()),
            directions=_SIDES | {"both": (Track.MIXED,)},
        ),
        "bandwidth": Carrier(
            sockets=_stream,
            wire=Line,
            call_id=lambda: f"c-{uuid4()}",
            directions=_SIDES | {"both": (Track.INBOUND, Track.OUTBOUND)},
        ),
        "rtp": Carrier(
            sockets=_rtp_taps,
            wire=Datagrams,
            call_id=lambda: str(uuid4()),
            # A port is one track's: two sides are two calls of the simulator.
            directions={
                "speak": (Track.INBOUND,),
                "listen": (Track.OUTBOUND,),
                "both": (Track.MIXED,),
            },
        ),
    }
)
