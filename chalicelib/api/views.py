"""Shows values as JSON."""

from __future__ import annotations

from datetime import datetime

from chalicelib.ports.values import InboundEvent, Page
from chalicelib.recording import callbacks, options
from chalicelib.recording.model import Call, Gap, Quality, Recording, Rendition, Stream
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls.queries import KnownCall
from chalicelib.tapping.model import Tap, TapQuality
from chalicelib.tapping.options import to_json as tap_properties

Json = dict[str, object]


def recording_json(recording: Recording, public_url: str) -> Json:
    """Return a recording."""
    return {
        "recording_id": recording.recording_id,
        "call_id": recording.call.call_id,
        "carrier": recording.call.carrier,
        "control_id": recording.control_id,
        "state": str(recording.state),
        "reason": recording.reason,
        "note": recording.note,
        "source": str(recording.source),
        "profile": recording.profile,
        "options": options.to_json(recording.options),
        "status_url": recording.status_url,
        "labels": dict(recording.labels),
        "created_at": _instant(recording.created_at),
        "started_at": _instant(recording.started_at),
        "ended_at": _instant(recording.ended_at),
        "continues": recording.continues,
        "url": callbacks.download_url(public_url, recording.recording_id),
        "making": str(recording.making) if recording.making else None,
        "renditions": [_rendition(rendition) for rendition in recording.renditions],
        "gaps": [_gap(gap) for gap in recording.gaps],
        "quality": _quality(recording.quality) if recording.quality else None,
    }


def recordings_json(page: Page[Recording], public_url: str) -> Json:
    """Return a page of recordings."""
    return {
        "recordings": [recording_json(recording, public_url) for recording in page.rows],
        "cursor": page.cursor,
    }


def events_json(events: list[RecordingEvent]) -> Json:
    """Return what happened to a recording, in order."""
    return {
        "events": [
            {"at": _instant(event.at), "event": event.event, "detail": dict(event.detail)}
            for event in events
        ]
    }


def call_json(call: Call) -> Json:
    """Return a call."""
    return {
        "call_id": call.ref.call_id,
        "carrier": call.ref.carrier,
        "carrier_call_id": call.carrier_call_id or call.ref.call_id,
        "profile": call.profile,
        "live": call.open,
        "round": call.round,
        "labels": dict(call.labels),
        "opened_at": _instant(call.opened_at),
        "closed_at": _instant(call.closed_at),
        "node_id": call.node_id,
    }


def calls_json(page: Page[Call]) -> Json:
    """Return a page of calls."""
    return {"calls": [call_json(call) for call in page.rows], "cursor": page.cursor}


def known_call_json(known: KnownCall, events: list[InboundEvent], public_url: str) -> Json:
    """Return a call with its streams, its recordings and what its carrier said."""
    return {
        **call_json(known.call),
        "streams": [_stream(stream) for stream in known.streams],
        "recordings": [recording_json(recording, public_url) for recording in known.recordings],
        "taps": [_tap(tap) for tap in known.taps],
        "carrier_events": [_inbound(event) for event in events],
    }


def _tap(tap: Tap) -> Json:
    return {
        "control_id": tap.control_id,
        "state": str(tap.state),
        "reason": tap.reason,
        "options": tap_properties(tap.options),
        "status_url": tap.status_url,
        "created_at": _instant(tap.created_at),
        "ended_at": _instant(tap.ended_at),
        "quality": _counts(tap.quality) if tap.quality else None,
    }


def _counts(quality: TapQuality) -> Json:
    return {name: getattr(quality, name) for name in TapQuality.__slots__}


def _stream(stream: Stream) -> Json:
    return {
        "stream_key": stream.stream_key,
        "carrier_stream_id": stream.carrier_stream_id,
        "dialect": stream.dialect,
        "tracks": [str(track) for track in stream.tracks],
        "encoding": str(stream.encoding),
        "rate_hz": stream.rate_hz,
        "round": stream.round,
        "opened_at": _instant(stream.opened_at),
        "ended_at": _instant(stream.ended_at),
        "ending": str(stream.ending) if stream.ending else None,
        "reason": stream.reason,
    }


def _inbound(event: InboundEvent) -> Json:
    return {
        "event_type": event.event_type,
        "occurred_at": _instant(event.occurred_at),
        "received_at": _instant(event.received_at),
    }


def _rendition(rendition: Rendition) -> Json:
    return {
        "format": str(rendition.format),
        "size": rendition.size,
        "duration": rendition.duration_ms / 1000,
        "channels": rendition.channels,
        "sha256": rendition.sha256,
        "created_at": _instant(rendition.created_at),
    }


def _gap(gap: Gap) -> Json:
    return {
        "track": str(gap.track),
        "offset_ms": gap.offset_ms,
        "duration_ms": gap.duration_ms,
        "reason": gap.reason,
    }


def _quality(quality: Quality) -> Json:
    return {name: getattr(quality, name) for name in Quality.__slots__}


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
