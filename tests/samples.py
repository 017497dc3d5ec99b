"""Domain values for tests: each a good one, changed by keyword."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.capture.events import Encoding, Track
from chalicelib.ports.values import ApiKey, InboundEvent, JoinRequest, Lease, Opener, Requester
from chalicelib.recording import keys
from chalicelib.recording.carrier_reports import CarrierReport, ReportedFacts
from chalicelib.recording.model import (
    Call,
    CallRef,
    Direction,
    Profile,
    Recording,
    RecordOptions,
    State,
    Stream,
)
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.tapping.model import Tap, TapOptions, TapState

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALL = CallRef(account="main", carrier="bandwidth", call_id="c-1")
STATUS_URL = "https://customer.example/status"
ASKER = Requester(account="main", by=Opener.KEY, key_id="0123456789ab")


def later(seconds: float) -> datetime:
    """Return the moment that many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def a_profile(**changes: Any) -> Profile:
    """Return a profile that records by default and calls back."""
    profile = Profile(
        account="main",
        name="front",
        dialect="bandwidth",
        carrier="bandwidth",
        record_call=RecordOptions(),
        status_url=STATUS_URL,
        labels={"desk": "front"},
        created_at=T0,
    )
    return replace(profile, **changes)


def a_recording(**changes: Any) -> Recording:
    """Return a recording in state `recording`, not stored yet."""
    recording = Recording(
        recording_id=keys.recording_id(CALL.key, "control-1"),
        call=CALL,
        control_id="control-1",
        state=State.RECORDING,
        version=1,
        round=1,
        options=RecordOptions(),
        profile="front",
        labels={"desk": "front"},
        status_url=STATUS_URL,
        created_at=T0,
    )
    return replace(recording, **changes)


def an_event(recording: Recording, **changes: Any) -> RecordingEvent:
    """Return the history's line of a recording's state."""
    event = RecordingEvent(
        recording_id=recording.recording_id,
        at=recording.created_at,
        event=str(recording.state),
        detail={"cause": "first_media", "ratio": 0.5, "again": False, "count": 3},
    )
    return replace(event, **changes)


def a_callback(recording: Recording, number: int = 1, **changes: Any) -> OutboxRow:
    """Return a callback that a recording owes."""
    row = OutboxRow(
        recording_id=recording.recording_id,
        number=number,
        webhook_id=keys.webhook_id(recording.recording_id, number),
        state=recording.state,
        url=STATUS_URL,
        body='{"event_type":"calling.call.record"}',
        created_at=recording.created_at,
    )
    return replace(row, **changes)


def a_tap(**changes: Any) -> Tap:
    """Return a tap that sends, not stored yet."""
    tap = Tap(
        tap_id=keys.tap_id(CALL.key, "tap-1"),
        call=CALL,
        control_id="tap-1",
        state=TapState.TAPPING,
        version=1,
        round=1,
        options=TapOptions(uri="rtp://8.8.8.8:12345", direction=Direction.BOTH),
        profile="front",
        status_url=STATUS_URL,
        created_at=T0,
        source_address="8.8.4.4",
        source_port=20_000,
        worker="worker-1",
    )
    return replace(tap, **changes)


def a_call(**changes: Any) -> Call:
    """Return an open call as its first stream leaves it."""
    call = Call(
        ref=CALL,
        profile="front",
        open=True,
        round=1,
        generation=1,
        labels={"desk": "front"},
        opened_at=T0,
    )
    return replace(call, **changes)


def a_stream(**changes: Any) -> Stream:
    """Return a live stream of the call's first round."""
    stream = Stream(
        call=CALL,
        stream_key="stream-1",
        carrier_stream_id="s-1",
        round=1,
        worker="worker-1",
        dialect="bandwidth",
        tracks=(Track.INBOUND, Track.OUTBOUND),
        encoding=Encoding.PCMU,
        rate_hz=8000,
        opened_at=T0,
        journal_from=7,
    )
    return replace(stream, **changes)


def a_joining(**changes: Any) -> JoinRequest:
    """Return a stream that wants to belong to the call."""
    joining = JoinRequest(
        call=CALL,
        profile="front",
        stream_key="stream-1",
        carrier_stream_id="s-1",
        worker="worker-1",
        dialect="bandwidth",
        tracks=(Track.INBOUND, Track.OUTBOUND),
        encoding=Encoding.PCMU,
        rate_hz=8000,
        labels={"agent": "smith"},
        opened_at=T0,
        journal_from=7,
    )
    return replace(joining, **changes)


def an_announcement(**changes: Any) -> CarrierReport:
    """Return what a carrier's webhook said of the stream's start."""
    said = CarrierReport(
        call=CALL,
        carrier_stream_id="s-1",
        profile="front",
        started_at=T0,
        facts=ReportedFacts(said_at=T0, node_id="node-7", labels={"tag": "vip"}),
    )
    return replace(said, **changes)


def an_inbound_event(**changes: Any) -> InboundEvent:
    """Return a webhook as stored."""
    event = InboundEvent(
        account="main",
        carrier="bandwidth",
        event_key="ab12",
        event_type="mediaStreamStarted",
        call_id="c-1",
        occurred_at=T0,
        received_at=later(1),
        body="{}",
    )
    return replace(event, **changes)


def a_lease(**changes: Any) -> Lease:
    """Return a living worker's lease."""
    lease = Lease(
        worker="worker-1",
        started_at=T0,
        renewals=1,
        calls=1,
        journal_safe_below=0,
        renewed_at=T0,
    )
    return replace(lease, **changes)


def a_key(**changes: Any) -> ApiKey:
    """Return an API key."""
    key = ApiKey(key_id="k1", account="main", secret_sha256="00ff", created_at=T0)
    return replace(key, **changes)
