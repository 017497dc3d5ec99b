"""What a worker does to a live call on a command: capture changes first, then the database hears.

So an answer that shows the new state is true: what came after a pause is nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.instants import instant
from chalicelib.recording.lifecycle import Cause, leaves_nothing
from chalicelib.sink.calls.active_recordings import Wanted
from chalicelib.sink.calls.database import Control


class Captured(Protocol):
    """A call as commands see it."""

    def now_us(self) -> int:
        """Return the time on the clock of its media's arrivals."""

    def heed(self) -> None:
        """Take what came until now; from now on keep media exactly while it is wanted."""

    async def store_segment(self) -> None:
        """Store all that was received until now; return when it is stored."""

    async def let_go(self) -> None:
        """Forget all that was received until now and isn't stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What ended a recording, and when."""

    cause: Cause
    at_us: int
    digit: str


_Way = Callable[[Command], Awaitable[asyncio.Task[None] | None]]
"""carries out a command; what is left to do may take long, and others needn't wait for it"""


class Orders:
    """Carries out a call's commands, one after the other."""

    def __init__(self, call: Captured, wanted: Wanted, control: Control) -> None:
        self._call = call
        self._wanted = wanted
        self._control = control
        self._turn = asyncio.Lock()
        self._ends: dict[str, _End] = {}
        """what ended each recording first, whoever is first to tell the database"""
        self._endings: set[asyncio.Task[None]] = set()
        self._ways: Mapping[CommandKind, _Way] = {
            CommandKind.RECORD_CALL: self._begin,
            CommandKind.PAUSE: self._pause,
            CommandKind.RESUME: self._resume,
            CommandKind.STOP_RECORD_CALL: self._stop,
            CommandKind.DISCARD: self._discard,
        }

    async def obey(self, command: Command) -> None:
        """Carry out a command; a recording that ends already neither pauses nor goes on. Raises
        NotFound."""
        async with self._turn:
            ending = await self._ways[command.kind](command)
        if ending is not None:  # the store may be away for long: a pause mustn't wait for it
            await ending

    async def finish(self) -> None:
        """Return when none is under way."""
        async with self._turn:
            pass
        while self._endings:
            await asyncio.wait(set(self._endings))

    async def end(
        self, recording_id: str, cause: Cause, at_us: int, wait_s: float = 0, digit: str = ""
    ) -> None:
        """Store what a recording shows, then end it; `wait_s` is for what lies on other workers,
        `digit` which one ended it.

        What ended it first counts, unless it is to leave nothing after all. What nobody but one
        that is to leave nothing wanted isn't stored but forgotten.
        """
        await self._begin_end(recording_id, _End(cause=cause, at_us=at_us, digit=digit), wait_s)

    def _begin_end(self, recording_id: str, end: _End, wait_s: float = 0) -> asyncio.Task[None]:
        """Want nothing more for a recording; return what stores it and tells the database."""
        end = self._counted(recording_id, end)
        self._wanted.end(recording_id)
        self._call.heed()
        ending = asyncio.create_task(self._end(recording_id, end, wait_s))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return ending

    async def _end(self, recording_id: str, end: _End, wait_s: float) -> None:
        if leaves_nothing(end.cause) and self._wanted.was_only(recording_id):
            await self._call.let_go()
        else:
            await self._call.store_segment()
        await asyncio.sleep(wait_s)
        end = self._ends[recording_id]  # a discard that came meanwhile beats a stop
        await self._control.end_recording(recording_id, end.cause, instant(end.at_us), end.digit)

    def _counted(self, recording_id: str, end: _End) -> _End:
        if leaves_nothing(end.cause):
            self._ends[recording_id] = end
        return self._ends.setdefault(recording_id, end)

    async def _pause(self, command: Command) -> None:
        if command.recording_id in self._ends:
            return
        at_us = self._call.now_us()
        self._wanted.pause(command.recording_id, at_us, command.behavior)
        self._call.heed()
        self._wanted.adopt(
            await self._control.pause_recording(command.recording_id, at_us, command.behavior)
        )
        self._call.heed()

    async def _resume(self, command: Command) -> None:
        if command.recording_id in self._ends:
            return
        at_us = self._call.now_us()
        self._wanted.resume(command.recording_id, at_us)
        self._call.heed()
        self._wanted.adopt(await self._control.resume_recording(command.recording_id, at_us))
        self._call.heed()

    async def _begin(self, command: Command) -> None:
        at_us = self._call.now_us()
        self._wanted.begin(command.recording_id, at_us)
        self._call.heed()
        try:
            begun = await self._control.begin_recording(command.recording_id, at_us)
            self._wanted.adopt(begun)
        finally:
            self._wanted.begun(command.recording_id)
            self._call.heed()

    async def _stop(self, command: Command) -> asyncio.Task[None]:
        return self._begin_end(command.recording_id, self._asked(Cause.STOP))

    async def _discard(self, command: Command) -> asyncio.Task[None]:
        return self._begin_end(command.recording_id, self._asked(Cause.DISCARD))

    def _asked(self, cause: Cause) -> _End:
        return _End(cause=cause, at_us=self._call.now_us(), digit="")
