"""The callbacks of an RTP tap that a test sends by hand."""

from __future__ import annotations

import json

from chalicelib.carriers.contract.webhook import RtpDevice, StreamAnnounced, StreamState
from chalicelib.carriers.signalwire import webhooks
from simulator.carriers.signalwire.rtp_tap import rtp_event
from simulator.rtp import RtpTap


def test_its_callbacks_are_the_carrier_s() -> None:
    """They name the device that it sends to."""

    tap = RtpTap(uri="rtp://198.51.100.7:20002", call_id="c-1")

    said = webhooks.parse(json.dumps(rtp_event(tap.setup, "finished")).encode())

    assert isinstance(said, StreamAnnounced)
    assert RtpDevice(address="198.51.100.7", port=20002, ptime_ms=20) == said.device
    assert (StreamState.STOPPED, "c-1") == (said.state, said.facts.call_id)
