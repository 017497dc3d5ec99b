"""A simulated call's setup, and its webhooks as our parsers read them."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.capture.events import Encoding, Track
from chalicelib.carriers import registry
from chalicelib.carriers.contract.webhook import StreamAnnounced
from simulator.schedule import Send
from simulator.socket import Setup

SENT = Send(
    at_s=1.0,
    track=Track.OUTBOUND,
    position=8000,
    payload=b"\x01\x02",
    number_in_stream=101,
    number_in_track=51,
)


def setup(url: str, **changes: Any) -> Setup:
    """Return a call of two tracks."""
    fields: dict[str, Any] = {
        "stream_url": url,
        "call_id": "call-1",
        "tracks": (Track.INBOUND, Track.OUTBOUND),
        "encoding": Encoding.PCMU,
    }
    return Setup(**fields | changes)


def announced(carrier: str, event: dict[str, Any]) -> StreamAnnounced:
    """Return a webhook as its carrier's parser reads it."""
    heard = registry.carrier(carrier).webhooks.parse(json.dumps(event).encode())
    assert isinstance(heard, StreamAnnounced)
    return heard


def keys(value: Any) -> Any:
    """Return the shape of a JSON value: its keys, and the types of its values."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return type(value).__name__ if not isinstance(value, str) else "str"
