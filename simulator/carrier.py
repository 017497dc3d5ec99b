"""A stream dialect, as the simulator plays it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.capture.events import Track
from simulator.report import Ended
from simulator.schedule import Action, Faults, Send
from simulator.socket import Setup, Socket


class Wire(Protocol):
    """Carries out the plan of a socket."""

    async def act(self, action: Action) -> None:
        """Do one thing of the plan. Raises LineEnded where the sink ended the socket."""

    async def end(self, faults: Faults) -> Ended:
        """Send the last messages, as far as the faults allow it, and close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDialect:
    """A dialect's sockets, the ids of its calls, and the tracks that its directions mean."""

    sockets: Callable[[Setup], list[Socket]]
    wire: Callable[[Any, Callable[[Send], None]], Wire]
    """made of one of these sockets; reports each payload that was sent"""
    call_id: Callable[[], str]
    directions: Mapping[str, tuple[Track, ...]]
    """the usual ones first"""


SIDES: Mapping[str, tuple[Track, ...]] = {
    "speak,listen": (Track.INBOUND, Track.OUTBOUND),
    "speak": (Track.INBOUND,),
    "listen": (Track.OUTBOUND,),
}
"""the directions that every carrier can stream"""
