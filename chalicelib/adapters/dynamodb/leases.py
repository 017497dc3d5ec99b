"""Workers' signs of life: rows of the Hot table."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, to_row
from chalicelib.adapters.dynamodb.table import Table, Where
from chalicelib.errors import PreconditionFailed
from chalicelib.ports.values import Lease

_KEPT = timedelta(days=3)
"""after the last renewal; a net: the sweeper forgets what is over long before"""

_UNDATED = timedelta(days=30)
"""after the start, where a renewal says no time"""

_UNHEARD = "attribute_not_exists(#pk)"
_LIVES = "#over = :false AND #renewals <= :renewals"


class DynamoLeases:
    """Implements the port Leases."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def renew(self, lease: Lease) -> None:
        """Write the lease. It races with the sweeper that declares its worker dead."""
        values = {"false": False, "renewals": lease.renewals}
        self._table.put(_row(lease), Where(text=f"{_UNHEARD} OR ({_LIVES})", values=values))

    def release(self, worker: str) -> None:
        """Say that the worker ended. It races with the sweeper, that says the same."""
        self._end(worker, Where(text="attribute_exists(#pk)"))

    def all(self) -> list[Lease]:
        """Read every lease that isn't forgotten, consistently."""
        rows = self._table.query(layout.LEASES, " ", layout.END)
        return [from_row(row, Lease) for row in rows if not row.get("forgotten")]

    def declare_dead(self, lease: Lease) -> None:
        """Declare a worker dead. It races with the worker's next renewal."""
        text = "#over = :true OR #renewals = :renewals"
        values = {"true": True, "renewals": lease.renewals}
        self._table.update(layout.LEASES, lease.worker, _OVER, Where(text=text, values=values))

    def forget(self, worker: str) -> None:
        """Hide a worker. Its row stays until it expires, so that a worker that was
        only asleep can't begin again: it races with that worker's renewal."""
        change = Where(text="SET #forgotten = :true", values={"true": True})
        over = Where(text="#over = :over", values={"over": True})
        self._table.update(layout.LEASES, worker, change, over)

    def _end(self, worker: str, where: Where) -> None:
        try:
            self._table.update(layout.LEASES, worker, _OVER, where)
        except PreconditionFailed:
            return


_OVER = Where(text="SET #over = :yes", values={"yes": True})


def _row(lease: Lease) -> Row:
    expiry = lease.renewed_at + _KEPT if lease.renewed_at else lease.started_at + _UNDATED
    keys = {"pk": layout.LEASES, "sk": lease.worker, "over": lease.over}
    return keys | to_row(lease) | {"expires_at": int(expiry.timestamp())}
