"""Decides from its lease whether a worker is alive: the constants and rules of failure detection.

Two observers share them. Living workers watch each other by their own clocks, from second to
second; the sweeper comes once a minute, knows only what a lease says, and looks three times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

RENEWAL_EVERY_S = 2.0
"""A worker renews its lease this often."""

SILENT_S = 3 * RENEWAL_EVERY_S
"""After three missing renewals a worker is suspected: carriers tap its calls again elsewhere."""

DEAD_S = 20.0
"""After this silence a worker is dead. The design asks for 10 s; after an outage of the database
the renewals of living workers arrive up to 9 s late."""

CONFIRMATIONS = 2
"""The sweeper reads the leases of suspects this often again."""

CONFIRM_EVERY_S = (DEAD_S - SILENT_S) / CONFIRMATIONS
"""The sweeper waits this long before each confirmation."""

FRESH = timedelta(seconds=SILENT_S)
"""A lease renewed this recently, by its worker's own clock, isn't suspected. Clocks that differ by
more delay the discovery of a death; they never make a living worker dead."""


class SignOfLife(Protocol):
    """The fields of a lease that tell whether its worker lives."""

    @property
    def worker(self) -> str:
        """The worker's name."""

    @property
    def renewals(self) -> int:
        """The number of renewals so far."""

    @property
    def renewed_at(self) -> datetime | None:
        """The time of the last renewal, by the worker's clock."""

    @property
    def over(self) -> bool:
        """Whether the lease was released, or its worker declared dead."""


L = TypeVar("L", bound=SignOfLife)


def is_alive(lease: SignOfLife, now: datetime) -> bool:
    """Whether a worker renewed its lease within the last three periods."""
    return not lease.over and lease.renewed_at is not None and now - lease.renewed_at <= FRESH


def suspects(leases: Iterable[L], now: datetime) -> list[L]:
    """Return the leases whose workers may be dead."""
    return [lease for lease in leases if not lease.over and not is_alive(lease, now)]


def still_silent(suspected: Iterable[L], leases: Iterable[SignOfLife]) -> list[L]:
    """Return the suspects that, by a later read of all leases, haven't renewed."""
    seen: Mapping[str, int] = {one.worker: one.renewals for one in leases if not one.over}
    return [one for one in suspected if seen.get(one.worker) == one.renewals]
