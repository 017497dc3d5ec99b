"""A simulated call and its sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from chalicelib.capture.events import Encoding, Track
from simulator.schedule import Send

DIRECTIONS: Mapping[str, Track] = MappingProxyType(
    {"speak": Track.INBOUND, "listen": Track.OUTBOUND, "both": Track.MIXED}
)
"""SWML's words for tracks"""


class Numbering(StrEnum):
    """How Bandwidth's sequenceNumber counts; its documents don't say."""

    STREAM = "stream"
    TRACK = "track"
    NONE = "none"
    """the documents of 2023"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The properties of a simulated call."""

    stream_url: str
    call_id: str
    tracks: tuple[Track, ...]
    encoding: Encoding
    numbering: Numbering = Numbering.STREAM
    tag: str = ""
    stream_params: Mapping[str, str] | None = None


def direction_of(track: Track) -> str:
    """Return SWML's word for a track."""
    return next(word for word, of in DIRECTIONS.items() if of is track)


class Socket(Protocol):
    """One socket of a carrier: its address, and the webhooks about it."""

    url: str
    tracks: tuple[Track, ...]

    def started(self) -> dict[str, Any]:
        """Return the webhook that says that the stream began."""

    def stopped(self, seconds: float) -> dict[str, Any]:
        """Return the webhook that says that the stream ended after so many seconds."""


class MessageSocket(Socket, Protocol):
    """A websocket and its messages."""

    def opening(self) -> list[str]:
        """Return the messages before media."""

    def media(self, sent: Send) -> str | bytes:
        """Return the message of a payload."""

    def closing(self) -> list[str]:
        """Return the messages after media."""


class PacketSocket(Socket, Protocol):
    """A UDP socket and its packets."""

    def packets(self, sent: Send) -> list[bytes]:
        """Return the packets of a payload, and of what is pressed meanwhile."""

    def press(self, digit: str) -> None:
        """Send a digit beside the payloads that follow."""
