"""When a generation of workers may go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.ports.values import Lease
from chalicelib.services.recovery.generations import hindrances, working
from tests.samples import later

NOW = later(100)


def a_lease(worker: str, generation: int, **changed: object) -> Lease:
    """Return the lease of a worker that renewed just now."""
    lease = Lease(
        worker=worker,
        started_at=later(0),
        renewals=1,
        calls=0,
        journal_safe_below=0,
        renewed_at=NOW,
        generation=generation,
    )
    return replace(lease, **changed)  # type: ignore[arg-type]  # fields by name


NEWER = a_lease("w-9", 2)


def test_a_generation_without_calls_may_go() -> None:
    """A newer one is there, whose calls are no matter."""
    old = [a_lease("w-1", 1), a_lease("w-2", 1, over=True, calls=3)]

    assert [] == hindrances([*old, replace(NEWER, calls=40)], 1, NOW)


@pytest.mark.parametrize(
    "busy",
    [
        {"calls": 1},
        {"rtp_open": 2},
        {"calls": 1, "renewed_at": later(0)},
        {"calls": 1, "renewed_at": None},
    ],
    ids=["calls", "a port that waits for its call", "silent, nobody ended them", "never renewed"],
)
def test_a_generation_with_calls_stays(busy: dict[str, object]) -> None:
    """Who has them is said."""
    (left,) = hindrances([a_lease("w-1", 1, **busy), a_lease("w-2", 1), NEWER], 1, NOW)

    assert left.startswith("w-1 has ")


@pytest.mark.parametrize(
    "others",
    [[], [replace(NEWER, renewed_at=later(0))], [replace(NEWER, over=True)], [a_lease("w-0", 1)]],
    ids=["none", "silent", "over", "of its own"],
)
def test_the_last_generation_that_lives_stays(others: list[Lease]) -> None:
    """Without it nobody would take calls."""
    (left,) = hindrances([a_lease("w-1", 1), *others], 1, NOW)

    assert left.startswith("no worker of a generation after 1 is alive")


def test_workers_are_in_the_order_of_their_generations() -> None:
    """Those that are over aren't there."""
    leases = [NEWER, a_lease("w-2", 1), a_lease("w-3", 1, over=True), a_lease("w-1", 1)]

    assert ["w-1", "w-2", "w-9"] == [lease.worker for lease in working(leases)]
