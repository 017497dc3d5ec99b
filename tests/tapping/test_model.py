"""The values of a tap."""

from __future__ import annotations

import pytest

from chalicelib.tapping.model import rtp_address


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
