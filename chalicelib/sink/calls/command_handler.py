"""Executes the commands that a worker finds in its mailbox: one table, kind → handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.sink.calls.call import LiveCall

Handler = Callable[[Command], Awaitable[None]]


class CommandedCalls(Protocol):
    """The calls of a worker, as commands see them."""

    @property
    def calls(self) -> int:
        """Count the calls."""

    def find(self, call_key: str) -> LiveCall | None:
        """Return a call; None if it isn't here."""

    async def end_stream(self, command: Command) -> None:
        """End a stream whose carrier says that its call is over."""


class CommandedPorts(Protocol):
    """The RTP ports of a worker, as commands see them."""

    async def open(self, command: Command) -> None:
        """Open a claimed port."""

    async def end(self, command: Command) -> None:
        """End what comes to a port."""


class CommandHandler:
    """Executes commands for a worker's calls and ports."""

    def __init__(self, calls: CommandedCalls, ports: CommandedPorts) -> None:
        self._calls = calls
        self._handlers: Mapping[CommandKind, Handler] = {
            CommandKind.RECORD_CALL: self._in_call(lambda call: call.recordings.begin),
            CommandKind.PAUSE: self._in_call(lambda call: call.recordings.pause),
            CommandKind.RESUME: self._in_call(lambda call: call.recordings.resume),
            CommandKind.STOP_RECORD_CALL: self._in_call(lambda call: call.recordings.stop),
            CommandKind.DISCARD: self._in_call(lambda call: call.recordings.discard),
            CommandKind.TAP: self._in_call(lambda call: call.taps.begin),
            CommandKind.STOP_TAP: self._in_call(lambda call: call.taps.stop),
            CommandKind.OPEN_PORT: ports.open,
            CommandKind.END_PORT: ports.end,
            CommandKind.END_STREAM: calls.end_stream,
        }

    @property
    def calls(self) -> int:
        """Count the calls that a command may be for."""
        return self._calls.calls

    async def execute(self, command: Command) -> None:
        """Execute a command. Raises NotFound."""
        await self._handlers[command.kind](command)

    def _in_call(self, handler_of: Callable[[LiveCall], Handler]) -> Handler:
        """Return a handler that passes a command to its call, unless that is over."""

        async def handle(command: Command) -> None:
            call = self._calls.find(command.call_key)
            if call is not None:
                await handler_of(call)(command)

        return handle
