"""Which workers an observer takes for dead."""

from __future__ import annotations

from chalicelib.services.recovery.dead_workers import confirm_dead
from tests.fakes import FakeCore
from tests.samples import a_joining, a_lease, a_profile, later
from tests.services.core_desk import Desk
from tests.services.recovery.test_sweep import World


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


def test_a_stream_is_held_while_its_call_is_open() -> None:
    """Somebody may yet ask for a recording of what its worker's journal has."""
    world = World(Desk(a_profile(record_call=None)))
    world.lease("worker-1")
    world.desk.control.join_call(a_joining())
    further = a_joining(stream_key="stream-2", worker="worker-2", is_captured=True)
    world.desk.control.join_call(further)
    world.lease("worker-2", at=74)

    assert 1 == world.sweep(later(60))["dead_workers"]

    (held,) = world.desk.core.live_streams.of_worker("worker-1")
    assert "stream-1" == held.stream_key
