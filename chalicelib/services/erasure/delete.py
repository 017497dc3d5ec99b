"""Deletes a recording: from now on nobody finds it, and the sweeper erases what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.errors import Conflict
from chalicelib.ports.aws import RenditionVersions
from chalicelib.ports.rows import Recordings
from chalicelib.ports.values import Requester
from chalicelib.recording import erasure, keys, lifecycle
from chalicelib.recording.model import Recording
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls.transitions import persistently

RETRY_AFTER_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDeleter:
    """Deletes recordings when a customer asks for it."""

    recordings: Recordings
    versions: RenditionVersions
    now: Callable[[], datetime]

    def delete(self, recording_id: str, requester: Requester) -> None:
        """Hide a recording that has ended, and request its erasure; a deleted one stays deleted.

        Its row stays as a tombstone, because its control id names this recording for ever. Raises
        NotFound; Conflict: `still_recording`, `not_finished` while it finalizes, `locked` while
        Object Lock keeps a version; Unavailable.
        """
        at = self.now()
        persistently(lambda: self._delete(recording_id, requester, at))

    def _delete(self, recording_id: str, requester: Requester, at: datetime) -> None:
        recording = self.recordings.get(recording_id)
        if erasure.is_deleted(recording):
            return
        _verify_ended(recording)
        if self.versions.is_locked(_prefix(recording), at):
            raise Conflict("Object Lock keeps a version of the recording", code="locked")
        event = RecordingEvent(
            recording_id=recording_id, at=at, event="deleted", detail=requester.facts
        )
        self.recordings.write(erasure.tombstone(recording, at), event, None)


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
