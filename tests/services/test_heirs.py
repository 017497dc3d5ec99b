"""A worker that can't be reached: dead, or only out of reach."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from chalicelib.errors import Unavailable
from chalicelib.recording.model import Ending
from chalicelib.services.dead_workers import Clearing
from chalicelib.services.heirs import Heirs
from tests.fakes_media import FakeMediaStore
from tests.samples import CALL, a_joining, a_lease, later
from tests.services.core_desk import Desk


@dataclass
class House:
    """A call on `worker-1`, and `worker-2` that claimed it."""

    desk: Desk = field(default_factory=Desk)
    renews: bool = False
    """worker-1 lives"""
    waited_s: float = 0.0
    renewals: int = 1

    def __post_init__(self) -> None:
        self._renew()
        self.desk.control.join_call(a_joining())
        second = a_joining(
            stream_key="stream-2", worker="worker-2", opened_at=later(4), over_epoch=1
        )
        self.desk.control.join_call(second)
        clearing = Clearing(
            control=self.desk.control,
            leases=self.desk.core.leases,
            live_streams=self.desk.core.live_streams,
            media=FakeMediaStore(),
        )
        self.heirs = Heirs(clearing=clearing, now=lambda: later(20), wait=self._wait)

    def endings(self) -> list[Ending | None]:
        """Return how the call's streams ended."""
        return [stream.ending for stream in self.desk.core.calls.streams(CALL.key)]

    def _wait(self, seconds: float) -> None:
        self.waited_s += seconds
        if self.renews:
            self._renew()

    def _renew(self) -> None:
        self.renewals += 1
        lease = a_lease(worker="worker-1", renewals=self.renewals, renewed_at=later(3))
        self.desk.core.leases.renew(lease)


def test_a_dead_worker_is_buried_and_its_streams_end() -> None:
    """It renewed nothing for 14 s; the stream of the living one goes on."""

    house = House()
    assert house.heirs.outlive("worker-1")
    assert 14.0 == house.waited_s
    house.heirs.end_streams("worker-1", CALL)
    assert [Ending.DEAD, None] == house.endings()
    assert house.heirs.outlive("worker-1")
    assert 14.0 == house.waited_s


def test_a_worker_that_lives_keeps_its_streams() -> None:
    """It is out of reach for one other alone."""

    house = House(renews=True)
    assert not house.heirs.outlive("worker-1")
    house.heirs.end_streams("worker-1", CALL)
    assert [None, None] == house.endings()


def test_nobody_is_dead_for_who_cannot_read() -> None:
    """A database that doesn't answer proves nothing."""

    house = House()
    house.desk.core.faults.down()
    with pytest.raises(Unavailable):
        house.heirs.outlive("worker-1")
    house.desk.core.faults.up()
    assert [None, None] == house.endings()


def test_a_worker_that_nobody_knows_is_nobodys_to_end() -> None:
    """Without a lease there is nothing to tell its death by: that is the sweeper's."""

    house = House()
    assert not house.heirs.outlive("worker-9")
    house.heirs.end_streams("worker-9", CALL)
    assert [None, None] == house.endings()
