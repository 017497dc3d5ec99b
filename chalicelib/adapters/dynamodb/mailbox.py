"""Commands to live calls: rows of the Hot table, a partition for each worker."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, to_row
from chalicelib.adapters.dynamodb.table import NEW, Table
from chalicelib.errors import PreconditionFailed, TapedeckError
from chalicelib.recording.commands import Command

_KEPT = timedelta(hours=1)
"""a safety net: workers remove commands that they carried out, but a dead worker can't"""


class DynamoMailbox:
    """Implements the port Mailbox."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def send(self, command: Command) -> None:
        """Write a command. It races with its own repetition alone, which changes nothing."""
        expiry = int((command.at + _KEPT).timestamp())
        keys = {"pk": layout.mailbox_pk(command.worker), "sk": _sk(command)}
        try:
            self._table.put(keys | to_row(command) | {"expires_at": expiry}, NEW)
        except PreconditionFailed:
            return

    def waiting(self, worker: str) -> list[Command]:
        """Read a worker's commands that aren't done, consistently, in their order; what a newer API
        says and this worker doesn't know is left, and keeps nothing else waiting."""
        rows = self._table.query(layout.mailbox_pk(worker), " ", layout.END)
        return [command for row in rows if (command := _known(row)) is not None]

    def is_waiting(self, command: Command) -> bool:
        """Whether a command isn't done yet."""
        return self._table.get(layout.mailbox_pk(command.worker), _sk(command)) is not None

    def remove(self, command: Command) -> None:
        """Say that a command is done. It races with nobody."""
        self._table.delete(layout.mailbox_pk(command.worker), _sk(command))


def _known(row: Row) -> Command | None:
    try:
        return from_row(row, Command)
    except TapedeckError:
        return None


def _sk(command: Command) -> str:
    return layout.dated(command.at, command.command_id)
