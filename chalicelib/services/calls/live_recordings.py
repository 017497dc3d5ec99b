"""Begins, pauses and resumes recordings of live calls.

The owner calls these after capture has changed, so what they write is already true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.ports.rows import Calls
from chalicelib.recording import intervals, lifecycle
from chalicelib.recording.instants import instant
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Recording
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls.transitions import RecordingMover, persistently


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingController:
    """Implements the port LiveRecordings. Raises Unavailable where a retry is right."""

    calls: Calls
    transitions: RecordingMover

    def begin(self, recording_id: str, at_us: int) -> Recording:
        """Begin a pending recording. Raises NotFound."""
        return persistently(lambda: self._begin(self._read(recording_id), at_us))

    def note_beep(self, recording_id: str, at_us: int) -> Recording:
        """Note once that the party heard the beep, unless the recording ended meanwhile. Raises
        NotFound."""
        return persistently(lambda: self._note_beep(self._read(recording_id), at_us))

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause a recording. Raises NotFound."""
        return persistently(lambda: self._pause(self._read(recording_id), at_us, behavior))

    def resume(self, recording_id: str, at_us: int) -> Recording:
        """Resume a paused recording. Raises NotFound."""
        return persistently(lambda: self._resume(self._read(recording_id), at_us))

    def _read(self, recording_id: str) -> Recording:
        return self.transitions.recordings.get(recording_id)

    def _begin(self, recording: Recording, at_us: int) -> Recording:
        if not lifecycle.is_pending(recording.state):
            return recording
        call = self.calls.get(recording.call.key)
        begun = replace(
            recording,
            started_at=instant(at_us),
            intervals=intervals.begun(at_us),
            round=call.round,
            labels={**call.labels, **recording.labels},
        )
        return self._move(begun, Cause.FIRST_MEDIA, at_us)

    def _note_beep(self, recording: Recording, at_us: int) -> Recording:
        if recording.beep_played or not lifecycle.is_live(recording.state):
            return recording
        event = RecordingEvent(
            recording_id=recording.recording_id, at=instant(at_us), event="beep_played"
        )
        heard = replace(recording, beep_played=True)
        return self.transitions.recordings.write(heard, event, None)

    def _pause(self, recording: Recording, at_us: int, behavior: Behavior) -> Recording:
        if not lifecycle.is_capturing(recording.state):
            return recording
        shown = intervals.paused(recording.intervals, at_us, behavior)
        return self._move(replace(recording, intervals=shown), Cause.PAUSE, at_us)

    def _resume(self, recording: Recording, at_us: int) -> Recording:
        if not lifecycle.is_paused(recording.state):
            return recording
        shown = intervals.resumed(recording.intervals, at_us)
        return self._move(replace(recording, intervals=shown), Cause.RESUME, at_us)

    def _move(self, recording: Recording, cause: Cause, at_us: int) -> Recording:
        call = self.calls.get(recording.call.key)
        at = instant(at_us)
        return self.transitions.move(recording, cause, Writer.OWNER, call=call, at=at)
