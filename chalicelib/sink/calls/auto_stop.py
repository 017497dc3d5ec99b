"""Ends recordings of a live call by their own options: by what is heard, or by their length.

It also plays the beep with which a recording begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from chalicelib.recording.detection.end_rules import EndDecision
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Recording
from chalicelib.sink.calls.active_recordings import ActiveRecordings
from chalicelib.sink.calls.beeps import Beeps
from chalicelib.sink.calls.detection import BufferedMedia, Detection
from chalicelib.sink.calls.recording_commands import RecordingCommands
from chalicelib.sink.calls.stream_extent import StreamExtent
from chalicelib.sink.calls.worker_context import WorkerContext
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.runtime.tasks import Tasks


class AutoStop:
    """Ends the recordings of one call; `tasks` owns the tasks that it starts."""

    def __init__(
        self,
        fan_out: FanOut,
        active: ActiveRecordings,
        commands: RecordingCommands,
        worker: WorkerContext,
        tasks: Tasks,
    ) -> None:
        self._active = active
        self._commands = commands
        self._worker = worker
        self._tasks = tasks
        self.is_partial = False
        """another worker owns the call: silence on the streams here may not be the call's"""
        self._detection = Detection(fan_out, self._end)
        self._beeps = Beeps(fan_out, self._beep)

    def attend(self, buffered: Callable[[], BufferedMedia]) -> None:
        """Follow the recordings as they are now: listen for what ends them, beep for new ones.

        `buffered` returns the earlier media that is still in memory.
        """
        recordings = self._active.recordings
        detected = map(_by_digits_alone, recordings) if self.is_partial else recordings
        self._detection.attend(detected, buffered)
        self._beeps.attend(recordings)

    def look(self, extents: Iterable[StreamExtent], now_us: int) -> None:
        """Begin to end the recordings that have reached their max_length or a timeout; `now_us` is
        on the clock of arrivals."""
        wall_us = time.time_ns() // 1000
        for recording_id, end_us in self._active.ended_by_length(extents, wall_us):
            wait_s = self._worker.limits.other_workers_s
            self._tasks.start(self._commands.end(recording_id, Cause.MAX_LENGTH, end_us, wait_s))
        self._detection.pass_time(now_us)

    def _end(self, decision: EndDecision) -> None:
        """Begin to end a recording, as its options demand."""
        wait_s = self._worker.limits.other_workers_s
        self._tasks.start(
            self._commands.end(
                decision.recording_id, decision.cause, decision.at_us, wait_s, decision.digit
            )
        )

    def _beep(self, recording_id: str, now_us: int) -> None:
        self._detection.beep(recording_id, now_us)
        note_beep = self._worker.live_recordings.note_beep
        self._tasks.start(self._worker.database.call(note_beep, recording_id, now_us))


def _by_digits_alone(recording: Recording) -> Recording:
    """Return a recording without its timeouts, for when only some streams of the call are here."""
    options = replace(recording.options, initial_timeout_s=0.0, end_silence_timeout_s=0.0)
    return replace(recording, options=options)
