"""Bandwidth's webhooks: media stream events and recordings (docs/reference/wire/bandwidth.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from chalicelib.carriers.bandwidth.stream import TRACKS
from chalicelib.carriers.contract import json_body
from chalicelib.carriers.contract.json_body import CarrierId, Count, JsonBody
from chalicelib.carriers.contract.webhook import (
    CarrierRecording,
    EventFacts,
    Leg,
    StreamAnnounced,
    StreamState,
    WebhookDialect,
    WebhookEvent,
    dedupe_key,
    unknown_event,
)

CARRIER = "bandwidth"

_AVAILABLE_EVENT = "recordingAvailable"
_AVAILABLE = frozenset({"complete", "partial"})


class _CallEvent(msgspec.Struct, rename="camel", kw_only=True):
    """What every event says of its call."""

    event_type: str
    event_time: str | None = None
    call_id: CarrierId
    account_id: str | None = None
    application_id: str | None = None
    call_url: str | None = None
    direction: str | None = None
    caller: str | None = msgspec.field(default=None, name="from")
    callee: str | None = msgspec.field(default=None, name="to")
    caller_display_name: str | None = None
    privacy: Any = None
    """in current documents, without a type"""
    answer_time: str | None = None
    enqueued_time: str | None = None
    tag: str | None = None


class MediaStream(msgspec.Struct, rename="camel", kw_only=True):
    """`mediaStream` and `originalMediaStream`; `duration` once it stopped."""

    id: CarrierId
    name: str | None = None
    destination: str | None = None
    start_time: str | None = None
    duration: str | None = None
    tracks: list[str] = []
    type: str | None = None


class MediaStreamEvent(_CallEvent):
    """`mediaStreamStarted`, `mediaStreamStopped` and `mediaStreamRejected`."""

    media_stream: MediaStream
    start_time: str | None = None
    """the call's"""
    cause: str | None = None
    """of a stop: closed, connection-error, error; of a refusal: connection-error, duplicate, error,
    track-limit"""
    error_message: str | None = None
    original_media_stream: MediaStream | None = None


class RecordingWebhook(_CallEvent):
    """`recordingAvailable` and `recordComplete`."""

    recording_id: CarrierId
    start_time: str | None = None
    """the recording's"""
    media_url: str | None = None
    channels: Count | None = None
    end_time: str | None = None
    duration: str | None = None
    file_format: str | None = None
    status: str | None = None
    parent_call_id: str | None = None
    transfer_caller_id: str | None = None
    transfer_to: str | None = None


def parse(body: bytes) -> WebhookEvent:
    """Return what a webhook says. Raises InvalidRequest naming the field."""
    received = json_body.parse(body)
    translate = _EVENTS.get(received.text("eventType"), _unknown)
    return translate(received)


def _started(received: JsonBody) -> StreamAnnounced:
    return _stream(received, StreamState.STARTED)


def _stopped(received: JsonBody) -> StreamAnnounced:
    return _stream(received, StreamState.STOPPED)


def _rejected(received: JsonBody) -> StreamAnnounced:
    return _stream(received, StreamState.REJECTED)


def _stream(received: JsonBody, state: StreamState) -> StreamAnnounced:
    event = received.convert(MediaStreamEvent)
    stream, original = event.media_stream, event.original_media_stream
    return StreamAnnounced(
        facts=_facts(received, event, stream.id, state, event.start_time),
        state=state,
        carrier_stream_id=stream.id,
        stream_name=stream.name or "",
        tracks=tuple(TRACKS[name] for name in dict.fromkeys(stream.tracks) if name in TRACKS),
        uri=json_body.redact_text(stream.destination or ""),
        started_at=json_body.iso_time(stream.start_time),
        duration_s=json_body.iso_duration_s(stream.duration),
        cause=event.cause or "",
        error_message=json_body.redact_text(event.error_message or ""),
        original_stream_id=original.id if original else "",
    )


def _recording(received: JsonBody) -> CarrierRecording:
    event = received.convert(RecordingWebhook)
    status = event.status or "complete"
    is_available = status in _AVAILABLE
    if is_available and not event.media_url:
        if event.event_type == _AVAILABLE_EVENT:
            raise json_body.missing_field("mediaUrl")
        is_available = False  # it may be announced before there is a file: the other event comes
    return CarrierRecording(
        facts=_facts(received, event, event.recording_id, status),
        status=status,
        is_available=is_available,
        carrier_recording_id=event.recording_id,
        url=event.media_url or "",
        format=event.file_format or "",
        channels=event.channels,
        duration_s=json_body.iso_duration_s(event.duration),
        started_at=json_body.iso_time(event.start_time),
        ended_at=json_body.iso_time(event.end_time),
    )


def _unknown(received: JsonBody) -> WebhookEvent:
    return unknown_event(CARRIER, received.text("eventType"), received.stored)


def _facts(
    received: JsonBody, event: _CallEvent, subject: str, state: str, call_started: str | None = None
) -> EventFacts:
    """Return what all events share; `subject` is the stream's or the recording's id."""
    sent = event.event_time or ""
    return EventFacts(
        carrier=CARRIER,
        event_type=event.event_type,
        event_time=json_body.iso_time(event.event_time),
        dedupe_key=dedupe_key(CARRIER, event.event_type, event.call_id, subject, state, sent),
        body=received.stored,
        call_id=event.call_id,
        carrier_call_id=event.call_id,
        labels={"tag": event.tag} if event.tag else {},
        leg=_leg(event, call_started),
    )


def _leg(event: _CallEvent, call_started: str | None) -> Leg:
    return Leg(
        call_direction=event.direction or "",
        caller=event.caller or "",
        caller_display_name=event.caller_display_name or "",
        privacy=event.privacy if isinstance(event.privacy, str) else "",
        callee=event.callee or "",
        carrier_account_id=event.account_id or "",
        application_id=event.application_id or "",
        call_url=event.call_url or "",
        started_at=json_body.iso_time(call_started),
        answered_at=json_body.iso_time(event.answer_time),
        enqueued_at=json_body.iso_time(event.enqueued_time),
    )


_EVENTS: Mapping[str, Callable[[JsonBody], WebhookEvent]] = MappingProxyType(
    {
        "mediaStreamStarted": _started,
        "mediaStreamStopped": _stopped,
        "mediaStreamRejected": _rejected,
        _AVAILABLE_EVENT: _recording,
        "recordComplete": _recording,
        "recordingComplete": _recording,
    }
)
"""The carrier's pages say `recordComplete`, its OpenAPI `recordingComplete`."""

DIALECT = WebhookDialect(
    carrier=CARRIER,
    answer_status=204,
    parse=parse,
)
