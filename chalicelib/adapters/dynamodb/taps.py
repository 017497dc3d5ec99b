"""Outgoing taps, rows of the Core table under their calls."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.recordings import told
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, to_row
from chalicelib.adapters.dynamodb.table import NEW, Table, Where
from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.tapping.model import Tap


class DynamoTaps:
    """Implements the port Taps."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, call_key: str, tap_id: str) -> Tap:
        """Read one, consistently. Raises NotFound."""
        row = self._table.get(layout.call_pk(call_key), layout.TAP_PREFIX + tap_id)
        if row is None:
            raise NotFound(f"tap {tap_id}", code="no_such_tap")
        return from_row(row, Tap)

    def of_call(self, call_key: str) -> list[Tap]:
        """Read a call's, consistently, oldest first."""
        pk, first = layout.call_pk(call_key), layout.TAP_PREFIX
        rows = self._table.query(pk, first, first + layout.END)
        found = [from_row(row, Tap) for row in rows]
        return sorted(found, key=lambda tap: (tap.created_at, tap.tap_id))

    def create(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        """Write a new one, unless another writer made the same one first: return what is stored."""
        created = replace(tap, version=1)
        put = self._table.putting(_row(created), NEW)
        try:
            self._table.write([put, *told(self._table, created.version, event, outbox)])
        except PreconditionFailed:
            return self.get(tap.call.key, tap.tap_id)
        return created

    def write(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        """Write a change. It races with every other writer of the tap: one of them wins."""
        written = replace(tap, version=tap.version + 1)
        unchanged = Where(text="#version = :version", values={"version": tap.version})
        put = self._table.putting(_row(written), unchanged)
        try:
            self._table.write([put, *told(self._table, written.version, event, outbox)])
        except PreconditionFailed:
            if self.get(tap.call.key, tap.tap_id) != written:
                raise
        return written


def _row(tap: Tap) -> Row:
    keys = {"pk": layout.call_pk(tap.call.key), "sk": layout.TAP_PREFIX + tap.tap_id}
    return keys | to_row(tap)
