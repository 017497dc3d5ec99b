"""The values that an outgoing tap is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from chalicelib.recording import keys
from chalicelib.recording.model import CallRef, Direction


class Codec(StrEnum):
    """tap's `codec`; names as in RFC 3551."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class TapState(StrEnum):
    """The state of a tap; SWML's words."""

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
class TapRequest:
    """One `tap`, on its way to the worker that has the call."""

    call: CallRef
    control_id: str
    options: TapOptions
    worker: str
    at: datetime

    @property
    def tap_id(self) -> str:
        """Return the id of the tap that it makes."""
        return keys.tap_id(self.call.key, self.control_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TapQuality:
    """What support asks first. A message is a packet, or what a websocket sends."""

    messages_sent: int = 0
    messages_dropped: int = 0
    """the destination was slow, or away for a moment: the oldest go first"""
    messages_late: int = 0
    """of the carrier: they came after their time"""
    silence_ms: int = 0
    """time in which nothing was heard: sent as silence by a websocket, not sent by RTP"""
    skipped_ms: int = 0
    """left out: more came at once than could be sent in its time"""
    reconnects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A call's media on its way to somebody else. `version` counts its writes."""

    tap_id: str
    call: CallRef
    control_id: str
    state: TapState
    version: int
    round: int
    """the call's round that it began in; it ends with that"""
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
    worker: str = ""
    """who sends"""
    quality: TapQuality | None = None
    """None: it taps still, or its worker died"""
    reason: str = ""
    """why it ended; a stable code"""


def rtp_address(uri: str) -> tuple[str, int] | None:
    """Return where a tap's packets go; None: it is a websocket. The uri is a parsed one."""
    parts = urlsplit(uri)
    if parts.scheme.lower() != "rtp" or parts.hostname is None or parts.port is None:
        return None
    return parts.hostname, parts.port
