"""Finalize a recording again that ended in an error: its media is kept for 30 days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.errors import Conflict
from chalicelib.ports.rows import Calls, RecordingHistory
from chalicelib.recording import lifecycle
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Recording, State
from chalicelib.services.calls.transitions import RecordingMover


def retry(
    recording_id: str,
    *,
    calls: Calls,
    history: RecordingHistory,
    transitions: RecordingMover,
    now: datetime,
) -> Recording:
    """Start another finalization and return the recording as it is then.

    Raises NotFound; Conflict `not_failed` where it isn't in error, `no_media` where it never had
    any, `erased` where nothing of it was to be left; PreconditionFailed where another retry was
    faster; Unavailable.
    """
    recording = transitions.recordings.get(recording_id)
    if recording.erasure is not None:
        raise Conflict("nothing of the recording is left", code="erased")
    if not lifecycle.is_failed(recording.state):
        raise Conflict(f"the recording is {recording.state}", code="not_failed")
    ended_by = _ended_by(recording_id, history)
    if not ended_by:
        raise Conflict("the recording never had media", code="no_media")
    # Its reason is the failure's by now; why it ended decides where its audio does.
    again = replace(recording, reason=ended_by)
    call = calls.get(recording.call.key)
    return transitions.move(again, Cause.RETRY, Writer.API, call=call, at=now)


def _ended_by(recording_id: str, history: RecordingHistory) -> str:
    """Return what ended it when it first went finalizing; empty where it never did."""
    for event in history.events(recording_id):
        if event.event == State.FINALIZING:
            return str(event.detail.get("reason") or event.detail.get("cause", ""))
    return ""
