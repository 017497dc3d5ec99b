"""The values that an outgoing tap is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from chalicelib.recording.model import CallRef, Direction


class Codec(StrEnum):
    """tap's `codec`; names as in RFC 3551."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class TapState(StrEnum):
    """Where a tap stands; SWML's words."""

    TAPPING = "tapping"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class TapOptions:
    """tap's properties, parsed."""

    uri: str
    """`rtp://IPv4:port`, `ws://…` or `wss://…`"""
    direction: Direction = Direction.SPEAK
    codec: Codec = Codec.PCMU
    rtp_ptime_ms: int = 20
    """of no effect on a websocket"""
    status_url: str = ""
    """empty: the profile's"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A call's media on its way to somebody else. `version` counts its writes."""

    tap_id: str
    call: CallRef
    control_id: str
    state: TapState
    version: int
    options: TapOptions
    profile: str
    status_url: str = ""
    """where callbacks go; resolved when the tap was made; empty: nowhere"""
    created_at: datetime
    ended_at: datetime | None = None
    callbacks: int = 0
    """outbox rows written; the next one's number is one more"""
    source_address: str = ""
    """of an rtp tap: where its packets come from"""
    source_port: int = 0
    reason: str = ""
    """why it ended; a stable code"""


def rtp_address(uri: str) -> tuple[str, int] | None:
    """Return where a tap's packets go; None: it is a websocket. The uri is a parsed one."""
    parts = urlsplit(uri)
    if parts.scheme.lower() != "rtp" or parts.hostname is None or parts.port is None:
        return None
    return parts.hostname, parts.port
