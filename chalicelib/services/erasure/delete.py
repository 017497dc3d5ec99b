"""Delete a recording: from now on nobody finds it, and the sweeper erases what it shows."""

from __future__ import annotations

from datetime import datetime

from chalicelib.errors import Conflict
from chalicelib.ports.aws import RenditionVersions
from chalicelib.ports.rows import Recordings
from chalicelib.ports.values import Requester
from chalicelib.recording import erasure, keys, lifecycle
from chalicelib.recording.model import Recording, RecordingEvent
from chalicelib.services.calls.transitions import persistently

RETRY_AFTER_S = 10


def delete(
    recording_id: str,
    asker: Requester,
    *,
    recordings: Recordings,
    versions: RenditionVersions,
    now: datetime,
) -> None:
    """Hide a recording that ended, and ask for its erasure; one that is deleted stays so.

    Its row stays as a tombstone, because its control id means this recording for ever. Raises
    NotFound; Conflict: `still_recording`, `not_finished` while it finalizes, `locked` while Object
    Lock keeps a version; Unavailable.
    """

    def step() -> None:
        recording = recordings.get(recording_id)
        if erasure.is_deleted(recording):
            return
        _verify_ended(recording)
        if versions.is_locked(_prefix(recording), now):
            raise Conflict("Object Lock keeps a version of the recording", code="locked")
        event = RecordingEvent(
            recording_id=recording_id, at=now, event="deleted", detail=asker.facts
        )
        recordings.write(erasure.tombstone(recording, now), event, None)

    persistently(step)


def _verify_ended(recording: Recording) -> None:
    if lifecycle.is_live(recording.state):
        raise Conflict(
            f"the recording is {recording.state}: stop or discard it", code="still_recording"
        )
    if not lifecycle.is_terminal(recording.state):
        fact = f"the recording is {recording.state}"
        raise Conflict(fact, code="not_finished", retry_after_s=RETRY_AFTER_S)


def _prefix(recording: Recording) -> str:
    return keys.recording_prefix(recording.call.account, recording.recording_id)
