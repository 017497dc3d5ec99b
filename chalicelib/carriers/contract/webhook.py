"""The events that carriers' webhooks report, in our words, and the interface of their dialects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.carrier_facts import CarrierFacts


class StreamState(StrEnum):
    """The state of a stream, as its carrier reports it."""

    STARTED = "started"
    STOPPED = "stopped"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Facts about the leg that the carrier streams or recorded; empty if it reports none."""

    call_direction: str = ""
    caller: str = ""
    """a number, or Private, Restricted, Unavailable, Anonymous"""
    caller_display_name: str = ""
    privacy: str = ""
    callee: str = ""
    carrier_account_id: str = ""
    application_id: str = ""
    call_url: str = ""
    started_at: datetime | None = None
    answered_at: datetime | None = None
    enqueued_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpDevice:
    """The address that an RTP tap sends to."""

    address: str
    port: int
    ptime_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts(CarrierFacts):
    """The facts of every event. Texts are empty and times None if the carrier reports none."""

    carrier: str
    event_type: str
    event_time: datetime | None = None
    dedupe_key: str
    """the same for every delivery of one event; made of carrier, type, call, control or stream id,
    state and time"""
    body: str
    """the JSON text to store: tokens, credentials and queries of URLs are redacted"""
    call_id: str = ""
    """the id of the call in its streams: that of the stream's path, if the path has one"""
    leg: Leg = field(default_factory=Leg)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAnnounced:
    """A stream started, stopped or was refused."""

    facts: EventFacts
    state: StreamState
    carrier_stream_id: str = ""
    """joins the event with its socket; empty: an RTP tap, or a tap to somewhere else"""
    control_id: str = ""
    stream_name: str = ""
    tracks: tuple[Track, ...] = ()
    codec: str = ""
    """the carrier's word, in capitals"""
    encoding: Encoding | None = None
    """None: not reported, or a codec that we don't support"""
    uri: str = ""
    """where the carrier streams to, redacted"""
    device: RtpDevice | None = None
    started_at: datetime | None = None
    duration_s: float | None = None
    cause: str = ""
    error_message: str = ""
    original_stream_id: str = ""
    """of a refused duplicate: the stream that has its name"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierRecording:
    """A recording that the carrier made."""

    facts: EventFacts
    status: str
    """the carrier's word"""
    is_available: bool
    """there is a file to fetch at `url`"""
    control_id: str = ""
    """of the request, where the carrier has such"""
    carrier_recording_id: str = ""
    url: str = ""
    """not redacted: it is what fetching needs. Never log it"""
    format: str = ""
    channels: int | None = None
    duration_s: float | None = None
    size: int | None = None
    """bytes"""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent:
    """An event without consequences: it is stored and acknowledged."""

    facts: EventFacts


WebhookEvent = StreamAnnounced | CarrierRecording | UnknownEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDialect:
    """One carrier's webhooks."""

    carrier: str
    answer_status: int
    """the HTTP status that acknowledges a stored event"""
    parse: Callable[[bytes], WebhookEvent]
    """a raw body → its event. Raises InvalidRequest `not_json`, `missing_field`, `wrong_type`"""


def dedupe_key(*facts: str) -> str:
    """Return one bounded key of facts that together name an event: hex SHA-256, order matters."""
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def unknown_event(carrier: str, event_type: str, stored: str) -> UnknownEvent:
    """Return an event kept whole; its key is made of all of it: no two different ones meet."""
    key = dedupe_key(carrier, event_type, stored)
    facts = EventFacts(carrier=carrier, event_type=event_type[:128], dedupe_key=key, body=stored)
    return UnknownEvent(facts=facts)
