"""What a worker does to a live call on a command: capture changes first, then the database hears.

So an answer that shows the new state is true: what came after a pause is nowhere.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.lifecycle import Cause
from chalicelib.sink.control import Control
from chalicelib.sink.stream import instant
from chalicelib.sink.wanted import Wanted


class Captured(Protocol):
    """A call as commands see it."""

    def now_us(self) -> int:
        """Return the time on the clock of its media's arrivals."""

    def heed(self) -> None:
        """Take what came until now; from now on keep media exactly while it is wanted."""

    async def store_segment(self) -> None:
        """Store all that was received until now; return when it is stored."""


class Orders:
    """Carries out a call's commands, one after the other."""

    def __init__(self, call: Captured, wanted: Wanted, control: Control) -> None:
        self._call = call
        self._wanted = wanted
        self._control = control
        self._turn = asyncio.Lock()
        self._ways = {
            CommandKind.RECORD_CALL: self._begin,
            CommandKind.PAUSE: self._pause,
            CommandKind.RESUME: self._resume,
            CommandKind.STOP_RECORD_CALL: self._stop,
        }

    async def obey(self, command: Command) -> None:
        """Carry out a command. Raises NotFound."""
        async with self._turn:
            await self._ways[command.kind](command)

    async def finish(self) -> None:
        """Return when none is under way."""
        async with self._turn:
            return

    async def end(self, recording_id: str, cause: Cause, at_us: int, wait_s: float = 0) -> None:
        """Store what a recording shows, then end it; `wait_s` is for what lies on other workers."""
        self._wanted.end(recording_id)
        self._call.heed()
        await self._call.store_segment()
        await asyncio.sleep(wait_s)
        await self._control.end_recording(recording_id, cause, instant(at_us))

    async def _pause(self, command: Command) -> None:
        at_us = self._call.now_us()
        self._wanted.pause(command.recording_id, at_us, command.behavior)
        self._call.heed()
        self._wanted.adopt(
            await self._control.pause_recording(command.recording_id, at_us, command.behavior)
        )
        self._call.heed()

    async def _resume(self, command: Command) -> None:
        at_us = self._call.now_us()
        self._wanted.resume(command.recording_id, at_us)
        self._call.heed()
        self._wanted.adopt(await self._control.resume_recording(command.recording_id, at_us))
        self._call.heed()

    async def _begin(self, command: Command) -> None:
        at_us = self._call.now_us()
        self._wanted.begin(command.recording_id)
        self._call.heed()
        try:
            begun = await self._control.begin_recording(command.recording_id, at_us)
            self._wanted.adopt(begun)
        finally:
            self._wanted.begun(command.recording_id)
            self._call.heed()

    async def _stop(self, command: Command) -> None:
        await self.end(command.recording_id, Cause.STOP, self._call.now_us())
