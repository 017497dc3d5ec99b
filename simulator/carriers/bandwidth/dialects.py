"""Bandwidth's stream."""

from __future__ import annotations

from uuid import uuid4

from chalicelib.capture.events import Track
from simulator.carrier import SIDES, SimulatedDialect
from simulator.carriers.bandwidth.stream import Bandwidth
from simulator.line import Line
from simulator.socket import Setup, Socket


def _stream(setup: Setup) -> list[Socket]:
    return [Bandwidth(setup)]


DIALECTS = {
    "bandwidth": SimulatedDialect(
        sockets=_stream,
        wire=Line,
        call_id=lambda: f"c-{uuid4()}",
        directions={**SIDES, "both": (Track.INBOUND, Track.OUTBOUND)},
    ),
}
