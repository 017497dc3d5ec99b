"""What commands do to the recordings of a live call: begin, pause, resume.

The owner asks when capture has changed already: what these write is the truth by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.ports.rows import Calls
from chalicelib.recording import intervals, lifecycle
from chalicelib.recording.instants import instant
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Recording, RecordingEvent
from chalicelib.services.calls.transitions import RecordingMover, persistently


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingController:
    """The port LiveRecordings. Raises Unavailable where to try again is right."""

    calls: Calls
    transitions: RecordingMover

    def begin(self, recording_id: str, at_us: int) -> Recording:
        """Begin one that is pending. Raises NotFound."""
        return persistently(lambda: self._begin(self._read(recording_id), at_us))

    def note_beep(self, recording_id: str, at_us: int) -> Recording:
        """Note that the party heard its beep, once; of one that ended meanwhile nothing is noted.
        Raises NotFound."""
        return persistently(lambda: self._note_beep(self._read(recording_id), at_us))

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause one that records. Raises NotFound."""
        return persistently(lambda: self._pause(self._read(recording_id), at_us, behavior))

    def resume(self, recording_id: str, at_us: int) -> Recording:
        """Let a paused one go on. Raises NotFound."""
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
