"""Builds recordings that are requested before their call has media."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.recording import keys
from chalicelib.recording.lifecycle import Cause, Writer, advance
from chalicelib.recording.model import Call, CallRef, Profile, Recording, RecordOptions
from chalicelib.recording.outbox import RecordingEvent


def pending_recording(
    call: CallRef,
    profile: Profile,
    *,
    control_id: str,
    round_: int,
    options: RecordOptions,
    labels: Mapping[str, str],
    at: datetime,
    due_at: datetime,
) -> Recording:
    """Return the recording that waits for its call's first media until `due_at`."""
    return Recording(
        recording_id=keys.recording_id(call.key, control_id),
        call=call,
        control_id=control_id,
        state=advance(None, Cause.REQUESTED, Writer.API),
        version=0,
        round=round_,
        options=options,
        profile=profile.name,
        labels={**profile.labels, **labels},
        status_url=options.status_url or profile.status_url,
        created_at=at,
        continues=_earlier(call, round_),
        retention_days=profile.retention_days,
        due_at=due_at,
    )


def unheard_call(ref: CallRef, profile: Profile, at: datetime) -> Call:
    """Return a call that is known before any stream of it: closed, in round 0."""
    return Call(
        ref=ref,
        profile=profile.name,
        open=False,
        round=0,
        generation=0,
        labels=profile.labels,
        opened_at=at,
    )


def requested(recording: Recording, by: str) -> RecordingEvent:
    """Return the history's first line; `by` says what asked: a webhook's type or `record_call`."""
    return RecordingEvent(
        recording_id=recording.recording_id,
        at=recording.created_at,
        event="requested",
        detail={"by": by},
    )


def _earlier(call: CallRef, round_: int) -> str:
    if round_ <= 1:
        return ""
    return keys.recording_id(call.key, keys.default_control_id(call.key, round_ - 1))
