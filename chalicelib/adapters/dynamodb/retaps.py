"""Streams whose carrier is asked to tap again: rows of the Hot table, one for each stream."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.table import Table, Where
from chalicelib.errors import PreconditionFailed
from chalicelib.recording.model import Stream

_KEPT = timedelta(days=1)
"""longer than any call lasts"""
_MINE = "#by = :by AND #done = :no"


class DynamoRetaps:
    """Implements the port Retaps."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, stream: Stream, by: str, at: datetime) -> bool:
        """Take a stream on. It races with other executions, and with its own repetition."""
        row = {
            "pk": layout.retap_pk(stream.call.key),
            "sk": stream.stream_key,
            "by": by,
            "done": False,
            "expires_at": int((at + _KEPT).timestamp()),
        }
        free = Where(text=f"attribute_not_exists(#pk) OR ({_MINE})", values={"by": by, "no": False})
        try:
            self._table.put(row, free)
        except PreconditionFailed:
            return False
        return True

    def end(self, stream: Stream, by: str) -> None:
        """Mark a stream as done. Nothing races with it: only its holder writes it."""
        change = Where(text="SET #done = :yes", values={"yes": True})
        mine = Where(text="#by = :by", values={"by": by})
        self._table.update(layout.retap_pk(stream.call.key), stream.stream_key, change, mine)
