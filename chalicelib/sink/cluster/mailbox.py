"""Reads the worker's mailbox; each command in it is executed once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Protocol

from chalicelib.errors import NotFound, TapedeckError
from chalicelib.ports.rows import Mailbox
from chalicelib.recording.commands import Command
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.runtime.tasks import Tasks

_PART = "mailbox"


class CommandExecutor(Protocol):
    """What executes commands."""

    @property
    def calls(self) -> int:
        """Count the calls that a command may be for."""

    async def execute(self, command: Command) -> None:
        """Execute a command. Raises NotFound."""


class MailboxKeeper:
    """Reads the mailbox in a thread of its own. A failure there disturbs no call."""

    def __init__(
        self,
        worker: str,
        mailbox: Mailbox,
        executor: CommandExecutor,
        health: Health,
        limits: Limits,
    ) -> None:
        self._worker = worker
        self._mailbox = mailbox
        self._executor = executor
        self._health = health
        self._limits = limits
        self._reading = RetryPool(_PART, 1, health, limits)
        self._removing = RetryPool(_PART, 1, health, limits)
        self._under_way = Tasks()
        self._known: OrderedDict[str, bool] = OrderedDict()
        """the ids of commands, and whether each has been executed"""

    async def keep(self) -> None:
        """Read every 100 ms while there are calls, otherwise every second, until cancelled."""
        idle_s = 0.0
        while True:
            if self._executor.calls or idle_s >= self._limits.mailbox_idle_s:
                await self._read()
                idle_s = 0.0
            await asyncio.sleep(self._limits.mailbox_every_s)
            idle_s += self._limits.mailbox_every_s

    async def close(self) -> None:
        """Cancel what is under way: its commands stay, and no other worker executes them."""
        await self._under_way.cancel()
        self._reading.close()
        self._removing.close()

    async def _read(self) -> None:
        try:
            commands = await self._reading.once(self._mailbox.waiting, self._worker)
        except TapedeckError as error:
            self._health.degrade(_PART, error.code)
            return
        self._health.recover(_PART)
        # Commands under way are still in the mailbox, and first: they must not hide later ones.
        idle = [one for one in commands if self._known.get(one.command_id) is not False]
        for command in idle[: self._limits.mailbox_at_once - len(self._under_way)]:
            if command.command_id in self._known:
                self._under_way.start(self._remove(command))
            else:
                self._remember(command)
                self._under_way.start(self._execute(command))

    async def _execute(self, command: Command) -> None:
        try:
            await self._executor.execute(command)
        except NotFound:
            self._health.failures[_PART] += 1
        self._known[command.command_id] = True
        await self._remove(command)

    async def _remove(self, command: Command) -> None:
        await self._removing.retry(self._mailbox.remove, command)

    def _remember(self, command: Command) -> None:
        self._known[command.command_id] = False
        if len(self._known) > self._limits.mailbox_remembered:
            self._known.popitem(last=False)
