"""Owed status callbacks, failing receivers, and the index of everything that is due: rows of
the Core table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.recordings import outbox_row
from chalicelib.adapters.dynamodb.row_codec import from_row, sortable, to_row
from chalicelib.adapters.dynamodb.table import Table, Where
from chalicelib.errors import NotFound
from chalicelib.ports.values import Due
from chalicelib.recording.endpoint_health import EndpointHealth, expires_at
from chalicelib.recording.outbox import OutboxRow

_NOT_DONE = "attribute_not_exists(#delivered_at) AND attribute_not_exists(#given_up)"


class DynamoOutbox:
    """Implements the port Outbox."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def rows(self, recording_id: str) -> list[OutboxRow]:
        """Read a recording's, in their order, consistently."""
        pk, first = layout.recording_pk(recording_id), layout.OUTBOX_PREFIX
        rows = self._table.query(pk, first, first + layout.END)
        return [from_row(row, OutboxRow) for row in rows]

    def get(self, recording_id: str, webhook_id: str) -> OutboxRow:
        """Read one, consistently. Raises NotFound."""
        for row in self.rows(recording_id):
            if row.webhook_id == webhook_id:
                return row
        raise NotFound(f"callback {webhook_id}", code="no_such_callback")

    def record_attempt(self, row: OutboxRow) -> None:
        """Write what an attempt changed. It races with another execution of the same callback."""
        before = Where(
            text=f"#attempts = :attempts AND #round = :round AND {_NOT_DONE}",
            values={"attempts": row.attempts - 1, "round": row.round},
        )
        self._table.put(outbox_row(row), before)

    def begin_round(self, row: OutboxRow) -> OutboxRow:
        """Write a round's first row. It races with another writer that begins the same round."""
        begun = replace(row, round=row.round + 1, delivered_at=None, given_up="")
        same = Where(text="#round = :round", values={"round": row.round})
        self._table.put(outbox_row(begun), same)
        return begun


class DynamoReceivers:
    """Implements the port Receivers."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: str, url: str) -> EndpointHealth | None:
        """Read one, consistently; None: it is well."""
        row = self._table.get(layout.receiver_pk(account, url), layout.RECEIVER)
        return from_row(row, EndpointHealth) if row else None

    def put(self, receiver: EndpointHealth) -> None:
        """Write its state. It races with other callbacks' attempts: the last one counts, but
        for a stop. (A stop that is over leaves its row to its expiry, or to the next.)"""
        key = {"pk": layout.receiver_pk(receiver.account, receiver.url), "sk": layout.RECEIVER}
        expiry = int(expires_at(receiver).timestamp())
        goes_on = Where(
            text="attribute_not_exists(#stopped) OR #expires_at <= :now",
            values={"now": int(receiver.failed_at.timestamp())},
        )
        self._table.put(key | to_row(receiver) | {"expires_at": expiry}, goes_on)

    def forget(self, account: str, url: str) -> None:
        """Remove its row; one that isn't there is success."""
        self._table.delete(layout.receiver_pk(account, url), layout.RECEIVER)


class DynamoDueWork:
    """Implements the port DueWork: a sparse index over eight shards."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def due(self, until: datetime, limit: int) -> list[Due]:
        """Read what is due, longest first, about `limit`; it may lag behind the rows."""
        share = -(-limit // layout.DUE_SHARDS)
        found = [one for shard in range(layout.DUE_SHARDS) for one in self._of(shard, until, share)]
        return sorted(found, key=lambda one: one.due_at)

    def _of(self, shard: int, until: datetime, limit: int) -> list[Due]:
        where = Where(
            text="#duepk = :shard AND #duesk <= :until",
            values={"shard": f"DUE#{shard}", "until": sortable(until) + layout.END},
        )
        return [layout.due(keys) for keys in self._table.query_index("due", where, limit=limit)]
