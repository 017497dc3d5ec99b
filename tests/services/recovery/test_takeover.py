"""What a living worker finds out of another one, and ends in its place."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from chalicelib.errors import PreconditionFailed, Unavailable
from chalicelib.ports.values import CloseResult
from chalicelib.recording.model import Ending
from chalicelib.services.recovery.dead_workers import DeadWorkerCleaner, TakeoverController
from tests.fakes_media import FakeMediaStore
from tests.samples import CALL, a_joining, a_lease, later
from tests.services.core_desk import Desk

SECOND = a_joining(
    stream_key="stream-2", worker="worker-2", opened_at=later(4), claims_over_epoch=1
)


@dataclass
class House:
    """A call on `worker-1`, that said nothing since second 3; it is second 30."""

    desk: Desk = field(default_factory=Desk)
    now_s: float = 30
    renewals: int = 1

    def __post_init__(self) -> None:
        self.renew(at_s=3)
        self.desk.control.join_call(a_joining())
        clearing = DeadWorkerCleaner(
            control=self.desk.control,
            leases=self.desk.core.leases,
            live_streams=self.desk.core.live_streams,
            media=FakeMediaStore(),
        )
        self.heirs = TakeoverController(clearing=clearing, now=lambda: later(self.now_s))

    def renew(self, at_s: float) -> None:
        """Let worker-1 say that it lives."""
        self.renewals += 1
        lease = a_lease(worker="worker-1", renewals=self.renewals, renewed_at=later(at_s))
        self.desk.core.leases.renew(lease)

    def endings(self) -> list[Ending | None]:
        """Return how the call's streams ended."""
        return [stream.ending for stream in self.desk.core.calls.streams(CALL.key)]


def test_a_dead_workers_call_is_finalized() -> None:
    """It is over, its stream ends when it was last heard of, its call closes, its recording goes
    finalizing."""

    house = House()
    (lease,) = house.desk.core.leases.all()
    (stream,) = house.heirs.declare_dead(lease)
    assert CloseResult(closed=True) == house.heirs.end_stream(stream, lease)
    assert house.desk.core.leases.all()[0].over
    (ended,) = house.desk.core.calls.streams(CALL.key)
    assert (Ending.DEAD, later(3)) == (ended.ending, ended.ended_at)
    assert ["finalizing"] == house.desk.states()
    assert 1 == len(house.desk.workflows.finalizations)


def test_what_another_worker_has_of_the_call_goes_on() -> None:
    """The dead one's stream ends, and that is all."""

    house = House()
    house.desk.control.join_call(SECOND)
    (lease,) = house.desk.core.leases.all()
    (stream,) = house.heirs.declare_dead(lease)
    assert CloseResult(closed=False) == house.heirs.end_stream(stream, lease)
    assert [Ending.DEAD, None] == house.endings()
    assert ["recording"] == house.desk.states()


def test_a_grace_that_runs_says_when_to_ask_again() -> None:
    """A worker that died just now may have its carrier come again."""

    house = House(now_s=14)
    (lease,) = house.desk.core.leases.all()
    (stream,) = house.heirs.declare_dead(lease)
    closing = house.heirs.end_stream(stream, lease)
    assert (False, later(17)) == (closing.closed, closing.retry_at)
    house.now_s = 23
    assert house.heirs.end_stream(stream, lease).closed


def test_two_heirs_end_a_call_once() -> None:
    """Each may have looked at the same time: one finalization, one callback."""

    house = House()
    (lease,) = house.desk.core.leases.all()
    for _ in range(2):
        for stream in house.heirs.declare_dead(lease):
            assert house.heirs.end_stream(stream, lease).closed
    assert {(house.desk.recording().recording_id, 1)} == set(house.desk.workflows.finalizations)
    assert ["recording"] == [row.state for row in house.desk.core.store.outbox.values()]


def test_a_worker_that_renews_keeps_its_streams() -> None:
    """Between the last look and the word."""

    house = House()
    (lease,) = house.desk.core.leases.all()
    house.renew(at_s=36)
    assert () == house.heirs.declare_dead(lease)
    assert [None] == house.endings()
    assert not house.desk.core.leases.all()[0].over


def test_who_cannot_write_declares_nobody_dead() -> None:
    """A database that doesn't answer is asked again."""

    house = House()
    (lease,) = house.desk.core.leases.all()
    house.desk.core.faults.down()
    with pytest.raises(Unavailable):
        house.heirs.declare_dead(lease)
    house.desk.core.faults.up()
    assert [None] == house.endings()


def test_a_zombies_late_writes_move_nothing() -> None:
    """It wakes when all is ended, and goes on where it slept: its stream stays as it was ended, its
    call closed, its recording's state with its callbacks; it can't renew any more."""

    house = House()
    (lease,) = house.desk.core.leases.all()
    (stream,) = house.heirs.declare_dead(lease)
    house.heirs.end_stream(stream, lease)
    store = house.desk.core.store
    before = (dict(store.calls), dict(store.recordings), dict(store.outbox), house.endings())

    late = house.desk.control.end_stream(CALL, stream.stream_key, Ending.STOPPED, later(31))
    house.desk.control.close_call(CALL, stream.round, later(32))

    assert Ending.DEAD == late
    assert before == (
        dict(store.calls),
        dict(store.recordings),
        dict(store.outbox),
        house.endings(),
    )
    with pytest.raises(PreconditionFailed):
        house.renew(at_s=33)
