"""SignalWire's tap: bare codec bytes, a socket for each direction, `calling.call.tap` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

from chalicelib.capture.events import Track
from simulator.schedule import Send
from simulator.socket import DIRECTIONS, Setup, direction_of

_PLACEHOLDERS = ("%{call.call_id}", "${call.call_id}", "%{call_id}", "${call_id}", "{call_id}")


class SignalWireTap:
    """A tap of one direction."""

    def __init__(self, setup: Setup, track: Track) -> None:
        self.tracks: tuple[Track, ...] = (track,)
        self._direction = direction_of(track)
        self._setup = setup
        self._control_id = str(uuid4())
        self.url = tap_url(setup.stream_url, setup.call_id, self._direction)

    def opening(self) -> list[str]:
        """Return nothing: a tap has no start."""
        return []

    def media(self, sent: Send) -> bytes:
        """Return the payload, bare."""
        return sent.payload

    def closing(self) -> list[str]:
        """Return nothing: a tap has no stop."""
        return []

    def started(self) -> dict[str, Any]:
        """Return `tapping`."""
        return self._event("tapping")

    def stopped(self, seconds: float) -> dict[str, Any]:
        """Return `finished`."""
        return self._event("finished")

    def _event(self, state: str) -> dict[str, Any]:
        params = {"uri": self.url, "codec": self._setup.encoding}
        device = {"type": "ws", "params": params}
        return tap_event(self._setup, self._control_id, state, self._direction, device)


def tap_event(
    setup: Setup, control_id: str, state: str, direction: str, device: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the webhook of a tap's state."""
    params = {
        "call_id": setup.call_id,
        "node_id": "5f2a7a2e-simulator",
        "segment_id": setup.call_id,
        "control_id": control_id,
        "state": state,
        "tap": {"type": "audio", "params": {"direction": direction}},
        "device": device,
    }
    return {
        "event_type": "calling.call.tap",
        "event_channel": f"swml:{setup.call_id}",
        "timestamp": datetime.now(UTC).timestamp(),
        "project_id": "4d0d6f16-5881-4fcc-92a4-02c51a91954d",
        "space_id": "451ed9ff-e568-4222-8af9-4f9ab7428d09",
        "params": params | ({"tag": setup.tag} if setup.tag else {}),
    }


def tap_url(template: str, call_id: str, direction: str) -> str:
    """Return where a tap goes: placeholders filled, a direction at its end replaced or added.

    Takes a profile's instructions as they are (`…/${call.call_id}/speak`), the same with
    `{call_id}` and `{direction}`, and the bare base `…/signalwire-tap/{token}`.
    """
    in_path = quote(call_id, safe="")
    url = template.replace("{direction}", direction)
    for placeholder in _PLACEHOLDERS:
        url = url.replace(placeholder, in_path)
    scheme, host, path, query, _ = urlsplit(url)
    segments = path.rstrip("/").split("/")
    if segments[-1] in DIRECTIONS:
        segments.pop()
    if segments[-1] != in_path:
        segments.append(in_path)
    return urlunsplit((scheme, host, "/".join([*segments, direction]), query, ""))
