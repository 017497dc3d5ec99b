"""SignalWire's taps: to a websocket, and to an `rtp://` address."""

from __future__ import annotations

from uuid import uuid4

from chalicelib.capture.events import Track
from simulator.carrier import SIDES, SimulatedDialect
from simulator.carriers.signalwire.rtp_tap import RtpSocket
from simulator.carriers.signalwire.tap import SignalWireTap
from simulator.datagrams import Datagrams
from simulator.line import Line
from simulator.socket import Setup, Socket


def _taps(setup: Setup) -> list[Socket]:
    return [SignalWireTap(setup, track) for track in setup.tracks]


def _rtp_taps(setup: Setup) -> list[Socket]:
    return [RtpSocket(setup, track) for track in setup.tracks]


DIALECTS = {
    "signalwire-tap": SimulatedDialect(
        sockets=_taps,
        wire=Line,
        call_id=lambda: str(uuid4()),
        directions={**SIDES, "both": (Track.MIXED,)},
    ),
    "rtp": SimulatedDialect(
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
