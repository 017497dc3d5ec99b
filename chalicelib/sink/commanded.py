"""Who carries out a worker's commands: its RTP ports theirs, its calls the rest."""

from __future__ import annotations

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.sink.call_registry import CallRegistry
from chalicelib.sink.ingest.rtp_ports import RtpPorts


class Commanded:
    """Passes each command to whom it is for."""

    def __init__(self, calls: CallRegistry, ports: RtpPorts) -> None:
        self._calls = calls
        self._ways = {
            CommandKind.OPEN_PORT: ports.open,
            CommandKind.END_PORT: ports.end,
            CommandKind.END_STREAM: calls.end_stream,
        }

    @property
    def calls(self) -> int:
        """Count calls that a command may be for."""
        return self._calls.calls

    async def obey(self, command: Command) -> None:
        """Carry out a command. Raises NotFound."""
        await self._ways.get(command.kind, self._calls.obey)(command)
