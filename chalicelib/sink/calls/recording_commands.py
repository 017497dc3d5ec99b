"""What a worker does to a live call's recordings, by a command or by itself.

Capture changes first, then the database. So an answer that shows the new state is true:
what came after a pause is nowhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from chalicelib.recording.commands import Command
from chalicelib.recording.instants import instant
from chalicelib.recording.lifecycle import Cause, leaves_nothing
from chalicelib.sink.calls.active_recordings import ActiveRecordings
from chalicelib.sink.calls.worker_context import WorkerContext


class CapturedCall(Protocol):
    """A call as its recordings' commands see it."""

    def now_us(self) -> int:
        """Return the time on the clock of its media's arrivals."""

    def apply(self) -> None:
        """Collect what came until now; from now on keep media while a recording needs it."""

    async def store_segment(self) -> None:
        """Store all that was received until now; return when it is stored."""

    async def discard_media(self) -> None:
        """Forget all that was received until now and isn't stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What ended a recording, and when."""

    cause: Cause
    at_us: int
    digit: str


class RecordingCommands:
    """Begins, pauses, resumes and ends the recordings of one call, one change at a time."""

    def __init__(self, call: CapturedCall, active: ActiveRecordings, worker: WorkerContext) -> None:
        self._call = call
        self._active = active
        self._live_recordings = worker.live_recordings
        self._call_control = worker.call_control
        self._database = worker.database
        self._changing = asyncio.Lock()
        self._ends: dict[str, _End] = {}
        """what ended each recording first, whichever end reaches the database first"""
        self._ending: set[asyncio.Task[None]] = set()

    async def begin(self, command: Command) -> None:
        """Begin a pending recording. Raises NotFound."""
        async with self._changing:
            at_us = self._call.now_us()
            self._active.begin(command.recording_id, at_us)
            self._call.apply()
            try:
                begin = self._live_recordings.begin
                begun = await self._database.call(begin, command.recording_id, at_us)
                self._active.adopt(begun)
            finally:
                self._active.begun(command.recording_id)
                self._call.apply()

    async def pause(self, command: Command) -> None:
        """Pause a recording, unless it is ending. Raises NotFound."""
        async with self._changing:
            if command.recording_id in self._ends:
                return
            at_us = self._call.now_us()
            self._active.pause(command.recording_id, at_us, command.behavior)
            self._call.apply()
            pause = self._live_recordings.pause
            self._active.adopt(
                await self._database.call(pause, command.recording_id, at_us, command.behavior)
            )
            self._call.apply()

    async def resume(self, command: Command) -> None:
        """Resume a paused recording, unless it is ending. Raises NotFound."""
        async with self._changing:
            if command.recording_id in self._ends:
                return
            at_us = self._call.now_us()
            self._active.resume(command.recording_id, at_us)
            self._call.apply()
            resume = self._live_recordings.resume
            self._active.adopt(await self._database.call(resume, command.recording_id, at_us))
            self._call.apply()

    async def stop(self, command: Command) -> None:
        """End a recording; return when it is stored. Raises NotFound."""
        await self._end_by(command, Cause.STOP)

    async def discard(self, command: Command) -> None:
        """End a recording, and leave nothing of it. Raises NotFound."""
        await self._end_by(command, Cause.DISCARD)

    async def end(
        self, recording_id: str, cause: Cause, at_us: int, wait_s: float = 0, digit: str = ""
    ) -> None:
        """Store what a recording shows, then end it.

        `wait_s` is for media that other workers still hold, `digit` the one that ended it. The
        first end of a recording counts, unless a later one leaves nothing. Media that only a
        recording which leaves nothing needed isn't stored but forgotten.
        """
        await self._begin_end(recording_id, _End(cause=cause, at_us=at_us, digit=digit), wait_s)

    async def finish(self) -> None:
        """Return when no change is under way."""
        async with self._changing:
            pass
        while self._ending:
            await asyncio.wait(set(self._ending))

    async def _end_by(self, command: Command, cause: Cause) -> None:
        async with self._changing:
            end = _End(cause=cause, at_us=self._call.now_us(), digit="")
            ending = self._begin_end(command.recording_id, end)
        await ending  # outside the lock: the store may be away for long, and a pause can't wait

    def _begin_end(self, recording_id: str, end: _End, wait_s: float = 0) -> asyncio.Task[None]:
        """Stop capturing for a recording; return what stores it and tells the database."""
        end = self._counted(recording_id, end)
        self._active.end(recording_id)
        self._call.apply()
        ending = asyncio.create_task(self._end(recording_id, end, wait_s))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending

    async def _end(self, recording_id: str, end: _End, wait_s: float) -> None:
        if leaves_nothing(end.cause) and self._active.was_only(recording_id):
            await self._call.discard_media()
        else:
            await self._call.store_segment()
        await asyncio.sleep(wait_s)
        end = self._ends[recording_id]  # a discard that came meanwhile overrides a stop
        at = instant(end.at_us)
        await self._database.call(
            self._call_control.end_recording, recording_id, end.cause, at, end.digit
        )

    def _counted(self, recording_id: str, end: _End) -> _End:
        """Return the end that counts: the first one, or one that leaves nothing."""
        if leaves_nothing(end.cause):
            self._ends[recording_id] = end
        return self._ends.setdefault(recording_id, end)
