"""What the fake row ports share: dictionaries of frozen values, as the two tables hold them."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from chalicelib.errors import InvalidRequest
from chalicelib.ports.values import ApiKey, InboundEvent, Lease, Page
from chalicelib.recording.carrier_reports import CarrierReport
from chalicelib.recording.commands import Command
from chalicelib.recording.endpoint_health import EndpointHealth
from chalicelib.recording.model import Call, Profile, Recording, Stream
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.recording.rtp_endpoint import PortClaim
from chalicelib.tapping.model import Tap

T = TypeVar("T")


class Store:
    """All rows, as they are stored: uncorrected by announcements."""

    def __init__(self) -> None:
        self.recordings: dict[str, Recording] = {}
        self.events: dict[tuple[str, datetime, str], RecordingEvent] = {}
        self.outbox: dict[tuple[str, int], OutboxRow] = {}
        self.receivers: dict[tuple[str, str], EndpointHealth] = {}
        self.taps: dict[tuple[str, str], Tap] = {}
        self.calls: dict[str, Call] = {}
        self.streams: dict[tuple[str, str], Stream] = {}
        self.announcements: dict[tuple[str, str], CarrierReport] = {}
        self.inbound: dict[tuple[str, str], InboundEvent] = {}
        self.profiles: dict[tuple[str, str], Profile] = {}
        self.api_keys: dict[str, ApiKey] = {}
        self.leases: dict[str, Lease] = {}
        self.forgotten: set[str] = set()
        self.commands: dict[tuple[str, datetime, str], Command] = {}
        self.claims: dict[tuple[str, int], PortClaim] = {}
        self.retaps: dict[tuple[str, str], tuple[str, bool]] = {}
        """by whom each stream was taken on, and whether it is done"""
        self.held: dict[tuple[str, str], str] = {}
        """call key by worker and stream key"""


def page(rows: Iterable[tuple[datetime, str, T]], limit: int, cursor: str) -> Page[T]:
    """Return the newest rows after a cursor; each row comes with its time and key."""
    place = _read(cursor) if cursor else None
    found = sorted(rows, key=lambda row: row[:2], reverse=True)
    left = [row for row in found if place is None or row[:2] < place]
    cut = left[:limit]
    last = _write(cut[-1][0], cut[-1][1]) if len(left) > limit else ""
    return Page(rows=tuple(row[2] for row in cut), cursor=last)


def _write(at: datetime, key: str) -> str:
    return urlsafe_b64encode(f"{at.astimezone(UTC).isoformat()}#{key}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, key = urlsafe_b64decode(cursor).decode("ascii").partition("#")
        return datetime.fromisoformat(at), key
    except ValueError:
        raise InvalidRequest("cursor: not one that a page gave", code="invalid_cursor") from None
