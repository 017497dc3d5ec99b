"""Our own taps' callbacks have the shape of SignalWire's: its parser reads them."""

from __future__ import annotations

from chalicelib.carriers.contract.webhook import RtpDevice, StreamAnnounced
from chalicelib.carriers.signalwire import webhooks
from chalicelib.recording.callbacks import encode
from chalicelib.tapping.callbacks import tap_body
from tests.tapping.test_callbacks import AT, CALL, TAP


def test_our_own_hook_reads_it() -> None:
    """A Tapedeck that is tapped into by another understands its callbacks."""
    event = webhooks.parse(encode(tap_body(TAP, CALL, at=AT)).encode())

    assert isinstance(event, StreamAnnounced)
    assert (RtpDevice(address="192.168.1.100", port=12345, ptime_ms=20), "PCMU") == (
        event.device,
        event.codec,
    )
