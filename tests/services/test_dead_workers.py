"""Which workers an observer takes for dead."""

from __future__ import annotations

from chalicelib.services.dead_workers import confirm_dead, suspects
from tests.fakes import FakeCore
from tests.samples import a_lease, later


def test_only_a_silent_worker_that_isn_t_over_is_suspected() -> None:
    """A worker that is over has nothing more to renew, and costs no look."""
    silent = a_lease(worker="silent")
    leases = [silent, a_lease(worker="over", over=True), a_lease(renewed_at=later(95))]

    assert [silent] == suspects(leases, later(100))


def test_a_renewal_before_the_last_look_is_enough() -> None:
    """One that hung in an outage may come through when the first look has passed."""
    leases = FakeCore().leases
    slow, dead = a_lease(worker="slow"), a_lease(worker="dead")
    leases.renew(slow)
    leases.renew(dead)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            leases.renew(a_lease(worker="slow", renewals=2))

    assert [dead] == confirm_dead([slow, dead], leases, wait)
