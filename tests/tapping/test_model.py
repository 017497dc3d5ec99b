"""The values of a tap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.recording import keys
from chalicelib.recording.model import CallRef
from chalicelib.tapping.model import TapOptions, TapRequest, rtp_address


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("rtp://8.8.8.8:5000", ("8.8.8.8", 5000)),
        ("RTP://8.8.8.8:5000/", ("8.8.8.8", 5000)),
        ("wss://example.com/tap", None),
        ("ws://8.8.8.8:8080/", None),
    ],
)
def test_only_rtp_has_an_address(uri: str, address: tuple[str, int] | None) -> None:
    """An rtp uri is an address and a port; a websocket's is a uri."""
    assert address == rtp_address(uri)


def test_a_request_names_its_tap() -> None:
    """The id is derived: the same request again is the same tap."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    ref = CallRef(account="main", carrier="bandwidth", call_id="c-1")
    options = TapOptions(uri="rtp://8.8.8.8:5004")
    request = TapRequest(call=ref, control_id="t", options=options, worker="w", at=at)
    assert keys.tap_id("main/bandwidth/c-1", "t") == request.tap_id
