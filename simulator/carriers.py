"""The carriers that can be simulated: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import uuid4

from chalicelib.capture.events import Track
from simulator.bandwidth import Bandwidth
from simulator.signalwire_tap import SignalWireTap
from simulator.socket import Setup, Socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A dialect's row: its sockets, the ids of its calls, and what it makes of directions."""

    sockets: Callable[[Setup], list[Socket]]
    call_id: Callable[[], str]
    directions: Mapping[str, tuple[Track, ...]]


def _taps(setup: Setup) -> list[Socket]:
    return [SignalWireTap(setup, track) for track in setup.tracks]


def _stream(setup: Setup) -> list[Socket]:
    return [Bandwidth(setup)]


_SIDES = {
    "speak": (Track.INBOUND,),
    "listen": (Track.OUTBOUND,),
    "speak,listen": (Track.INBOUND, Track.OUTBOUND),
}

CARRIERS: Mapping[str, Carrier] = MappingProxyType(
    {
        "signalwire-tap": Carrier(
            sockets=_taps,
            call_id=lambda: str(uuid4()),
            directions=_SIDES | {"both": (Track.MIXED,)},
        ),
        "bandwidth": Carrier(
            sockets=_stream,
            call_id=lambda: f"c-{uuid4()}",
            directions=_SIDES | {"both": (Track.INBOUND, Track.OUTBOUND)},
        ),
    }
)
