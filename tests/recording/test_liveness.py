"""Which workers an observer takes for dead."""

from __future__ import annotations

from chalicelib.recording.liveness import (
    CONFIRM_EVERY_S,
    CONFIRMATIONS,
    DEAD_S,
    SILENT_S,
    is_alive,
    still_silent,
    suspects,
)
from chalicelib.sink.runtime.limits import Limits
from tests.samples import a_lease, later


def test_only_a_silent_worker_that_isn_t_over_is_suspected() -> None:
    """A worker that is over has nothing more to renew, and costs no look."""
    silent = a_lease(worker="silent")
    leases = [silent, a_lease(worker="over", over=True), a_lease(renewed_at=later(95))]

    assert [silent] == suspects(leases, later(100))


def test_a_lease_without_a_time_shows_no_life() -> None:
    """Its worker is suspected, and confirmed by its renewals alone."""
    lease = a_lease(renewed_at=None)

    assert (False, [lease]) == (is_alive(lease, later(0)), suspects([lease], later(0)))


def test_a_suspect_that_renews_is_cleared() -> None:
    """So is one that released its lease, and one whose row is gone."""
    dead, slow, over, gone = (a_lease(worker=name) for name in ("dead", "slow", "over", "gone"))
    read = [dead, a_lease(worker="slow", renewals=2), a_lease(worker="over", over=True)]

    assert [dead] == still_silent([dead, slow, over, gone], read)


def test_both_observers_wait_for_the_same_silence() -> None:
    """The sweeper's looks and a worker's own watch call a worker dead after 20 s."""
    limits = Limits()

    assert DEAD_S == SILENT_S + CONFIRMATIONS * CONFIRM_EVERY_S == limits.detector_dead_s == 20.0
    assert SILENT_S == limits.detector_silent_s == 3 * limits.lease_every_s == 6.0
