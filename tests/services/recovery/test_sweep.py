"""The sweeper on a fake clock: what is late, who is dead, and what a fault changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from chalicelib.ports.values import Lease
from chalicelib.recording import keys
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import Ending, Recording, State
from chalicelib.services.recovery import sweep as service
from chalicelib.services.recovery.journals import LARGEST_DELETION
from chalicelib.services.recovery.sweep import Sweeper
from tests.fakes_media import FakeMediaStore
from tests.samples import (
    CALL,
    a_call,
    a_joining,
    a_lease,
    a_profile,
    a_stream,
    an_event,
    later,
)
from tests.services.calls.test_call_lifecycle import pending
from tests.services.core_desk import Desk, an_erasing


class World:
    """A desk, a media bucket and a clock that only waiting moves."""

    def __init__(self, desk: Desk | None = None) -> None:
        self.desk = desk or Desk()
        self.media = FakeMediaStore()
        self.now = later(0)
        self.while_waiting: Callable[[], None] = lambda: None
        core = self.desk.core
        self.needs = Sweeper(
            control=self.desk.control_of(Writer.SWEEPER),
            due_work=core.due_work,
            outbox=core.outbox,
            leases=core.leases,
            live_streams=core.live_streams,
            media=core.faults.wrap(self.media),
            erasing=an_erasing(core, core.faults.wrap(self.media)),
            mailbox=core.mailbox,
            now=lambda: self.now,
            wait=self.wait,
        )

    def wait(self, seconds: float) -> None:
        """Move the clock."""
        self.now = self.now + (later(seconds) - later(0))
        self.while_waiting()

    def sweep(self, at: datetime) -> dict[str, int]:
        """Sweep at a time; return what was done, without what wasn't."""
        self.now = at
        return {name: count for name, count in self.needs.sweep().items() if count}

    def lease(
        self, worker: str = "worker-1", renewals: int = 1, at: float = 0, **more: Any
    ) -> Lease:
        """Let a worker renew."""
        lease = a_lease(worker=worker, renewals=renewals, renewed_at=later(at), **more)
        self.desk.core.leases.renew(lease)
        return lease

    def journal(self, worker: str = "worker-1", count: int = 3) -> None:
        """Store journal objects."""
        for number in range(count):
            self.media.put(keys.journal_key(worker, number), b"x")

    def streaming(self) -> Recording:
        """Let a living worker stream; return the recording."""
        self.lease()
        self.desk.control.join_call(a_joining())
        for row in list(self.desk.core.store.outbox.values()):
            done = replace(row, attempts=1, delivered_at=later(1))
            self.desk.core.outbox.record_attempt(done)
        return self.desk.recording()


class TestDeadWorkers:
    """Leases that nobody renews."""

    def test_ends_a_dead_workers_calls(self) -> None:
        """A worker that renews nothing is dead: its call closes, and its finalization starts."""

        world = World()
        recording = world.streaming()
        assert {"dead_workers": 1} == world.sweep(later(60))
        (stream,) = world.desk.core.calls.streams(CALL.key)
        assert (Ending.DEAD, later(0), False) == (stream.ending, stream.ended_at, stream.complete)
        assert ["finalizing"] == world.desk.states()
        assert [(recording.recording_id, 1)] == world.desk.workflows.finalizations

    def test_is_done_within_its_promise(self) -> None:
        """From a death to the start of the finalization no sweep of every minute takes 100 s."""

        for phase in range(0, 60, 5):
            world = World()
            world.streaming()
            for minute in range(3):
                world.sweep(later(phase + 60 * minute))
                if world.desk.workflows.finalizations:
                    break
            assert world.now <= later(100), phase

    def test_lets_carriers_tap_a_suspect_s_calls_again(self) -> None:
        """Before it is sure: where no worker lives, nobody else does."""

        world = World()
        world.streaming()
        world.sweep(later(60))
        assert [("worker-1", 1)] == world.desk.workflows.retaps

    def test_spares_a_worker_that_renews(self) -> None:
        """One renewal while the sweeper looks is enough."""

        world = World()
        world.streaming()
        world.while_waiting = lambda: world.lease(renewals=2, at=60)  # type: ignore[assignment,return-value]
        assert {} == world.sweep(later(60))
        assert ["recording"] == world.desk.states()

    def test_does_not_wait_where_nobody_is_suspected(self) -> None:
        """Fresh leases cost a sweep no second."""

        world = World()
        world.streaming()
        world.sweep(later(5))
        assert later(5) == world.now

    def test_buries_a_worker_for_good(self) -> None:
        """A worker that was only asleep can't renew any more, and learns that it must stop."""

        world = World()
        world.streaming()
        world.sweep(later(60))
        assert world.desk.core.leases.all()[0].over

    def test_kills_nobody_in_an_outage(self) -> None:
        """Sweeps that can't read change nothing; the first one after finds everybody renewing."""

        world = World()
        world.streaming()
        world.desk.core.faults.down()
        with pytest.raises(Unavailable):
            world.sweep(later(60))
        world.desk.core.faults.up()
        world.while_waiting = lambda: world.lease(renewals=2, at=66)  # type: ignore[assignment,return-value]
        assert {} == world.sweep(later(61))
        assert ["recording"] == world.desk.states()

    def test_kills_nobody_when_the_second_look_fails(self) -> None:
        """An observer with an error of its own meanwhile is none."""

        world = World()
        world.streaming()
        world.while_waiting = world.desk.core.faults.down
        with pytest.raises(Unavailable):
            world.sweep(later(60))
        world.desk.core.faults.up()
        assert not world.desk.core.leases.all()[0].over

    def test_leaves_a_call_to_the_worker_of_its_reconnect(self) -> None:
        """A dead worker's stream ends, and its call goes on where another stream of it lives."""

        world = World()
        world.streaming()
        world.lease("worker-2", at=60)
        world.desk.control.join_call(
            a_joining(
                stream_key="stream-2", worker="worker-2", opened_at=later(12), claims_over_epoch=1
            )
        )
        assert {"dead_workers": 1} == world.sweep(later(60))
        streams = world.desk.core.calls.streams(CALL.key)
        assert [Ending.DEAD, None] == [stream.ending for stream in streams]
        assert ["recording"] == world.desk.states()

    def test_finishes_a_joining_that_died_half_way(self) -> None:
        """A stream whose worker died before it began the recording is recorded all the same."""

        world = World()
        world.lease()
        stream, call = a_stream(), a_call(due_at=later(600))
        world.desk.core.call_life.join(call, stream)
        world.sweep(later(60))
        assert ["finalizing"] == world.desk.states()

    def test_keeps_the_journal_until_it_is_read(self) -> None:
        """A dead worker's journal goes when its recordings are finished, and the worker with it."""

        world = World()
        recording = world.streaming()
        world.journal()
        world.sweep(later(60))
        world.sweep(later(70))
        assert 3 == len(world.media.objects)
        finish(world, State.FINISHED)
        assert {"streams_cleared": 1, "journal_objects": 3} == world.sweep(later(130))
        assert ([], {}) == (world.desk.core.leases.all(), world.media.objects)
        assert recording.recording_id == world.desk.recording().recording_id

    def test_keeps_the_journal_of_a_failed_recording(self) -> None:
        """What may be made again keeps its media, until the bucket's own rule takes it."""

        world = World()
        world.streaming()
        world.journal()
        world.sweep(later(60))
        finish(world, State.ERROR)
        assert {} == world.sweep(later(130))
        world.sweep(later(7 * 86_400))
        assert {} == world.media.objects

    def test_knows_a_worker_while_its_journal_is_there(self) -> None:
        """A sweep deletes a bounded number of objects; the next one finds the rest by the lease."""

        world = World()
        world.lease()
        world.journal(count=LARGEST_DELETION + 1)
        world.desk.core.leases.release("worker-1")
        assert {"journal_objects": LARGEST_DELETION} == world.sweep(later(60))
        assert ["worker-1"] == [lease.worker for lease in world.desk.core.leases.all()]
        assert {"journal_objects": 1} == world.sweep(later(120))
        assert ([], {}) == (world.desk.core.leases.all(), world.media.objects)

    def test_forgets_a_worker_that_stopped(self) -> None:
        """A worker that released its lease leaves nothing behind."""

        world = World()
        world.lease()
        world.journal()
        world.desk.core.leases.release("worker-1")
        assert {"journal_objects": 3} == world.sweep(later(60))
        assert [] == world.desk.core.leases.all()


def finish(world: World, state: State) -> None:
    """Let the recording's finalization come to its end."""
    recording = world.desk.recording()
    world.desk.core.store.recordings[recording.recording_id] = replace(
        recording, state=state, due_at=None
    )


class TestJournals:
    """What living workers' segments cover."""

    def test_deletes_what_is_covered(self) -> None:
        """Objects below the number that the lease tells go, later ones and others' stay."""

        world = World()
        world.journal()
        world.journal("worker-10")
        world.lease(journal_safe_below=2)
        assert {"journal_objects": 2} == world.sweep(later(1))
        assert [
            keys.journal_key("worker-1", 2),
            *(keys.journal_key("worker-10", n) for n in range(3)),
        ] == sorted(world.media.objects)


class TestCalls:
    """Calls that nobody closed."""

    def test_closes_what_nobody_closed(self) -> None:
        """A call whose streams all ended, and whose worker lives and doesn't close it, is closed
        when calls are looked at."""

        world = World()
        world.streaming()
        world.desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
        world.lease(renewals=9, at=599)
        assert {} == world.sweep(later(599))
        assert {"calls_closed": 1} == world.sweep(later(600))
        assert ["finalizing"] == world.desk.states()

    def test_finishes_a_closing_that_died_half_way(self) -> None:
        """A call that closed while its recordings still record is finished by the sweeper."""

        world = World()
        world.streaming()
        world.desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
        call = world.desk.core.calls.get(CALL.key)
        closed = replace(call, open=False, closed_at=later(10), due_at=later(70))
        world.desk.core.call_life.close(closed)
        world.lease(renewals=9, at=70)
        assert {"calls_closed": 1} == world.sweep(later(70))
        assert ["finalizing"] == world.desk.states()
        assert None is world.desk.core.calls.get(CALL.key).due_at

    @pytest.mark.parametrize("acts", [False, True])
    def test_finishes_its_own_closing_that_died(self, acts: bool) -> None:
        """A sweep that dies at any call while it closes a call leaves the call due to the next."""

        for n in range(1, 40):
            world = World()
            world.desk.control.join_call(a_joining())
            faults = world.desk.core.faults
            (faults.after if acts else faults.before)(n)
            for at in (600, 660, 720):
                quietly(lambda world=world, at=at: world.sweep(later(at)))  # type: ignore[misc]
            faults.up()
            assert ["finalizing"] == world.desk.states(), n

    def test_looks_at_a_long_call_now_and_then(self) -> None:
        """A call that goes on is looked at every ten minutes, and left alone."""

        world = World()
        world.streaming()
        world.lease(renewals=9, at=600)
        assert {} == world.sweep(later(600))
        assert later(1200) == world.desk.core.calls.get(CALL.key).due_at

    def test_ends_a_stream_whose_worker_left_no_trace(self) -> None:
        """A live stream of a worker that has no lease at all ends within ten minutes."""

        world = World()
        world.desk.control.join_call(a_joining())
        world.sweep(later(600))
        world.sweep(later(621))
        assert ["finalizing"] == world.desk.states()

    def test_spares_the_stream_of_a_newcomer(self) -> None:
        """A worker that came while the sweep ran isn't taken for one that is gone."""

        world = World()
        world.streaming()
        world.lease(renewals=9, at=600)
        world.desk.control.join_call(
            a_joining(
                stream_key="stream-2", worker="worker-2", opened_at=later(590), claims_over_epoch=1
            )
        )
        call = world.desk.core.calls.get(CALL.key)
        world.desk.core.call_life.postpone(replace(call, due_at=later(600)))
        world.sweep(later(600))
        streams = world.desk.core.calls.streams(CALL.key)
        assert [None, None] == [stream.ended_at for stream in streams]


class TestRecordings:
    """Recordings that wait too long."""

    def test_fails_what_waits_in_vain(self) -> None:
        """A pending recording is an error after its time, told once, and not before."""

        world = World()
        pending(world.desk)
        world.desk.core.calls.ensure(a_call(open=False, round=0, generation=0))
        assert {} == world.sweep(later(289))
        assert {"recordings_failed": 1} == world.sweep(later(290))
        assert (State.ERROR, "no_media") == (
            world.desk.recording().state,
            world.desk.recording().reason,
        )
        assert ["error"] == world.desk.told()

    def test_begins_what_has_its_stream(self) -> None:
        """A pending recording whose stream is there begins, where its joining died before that."""

        world = World(Desk(a_profile(record_call=None)))
        world.lease(renewals=9, at=290)
        world.desk.control.join_call(a_joining())
        pending(world.desk)
        assert 1 == world.sweep(later(290))["recordings_begun"]
        assert ["recording"] == world.desk.states()

    def test_starts_a_finalization_again(self) -> None:
        """A finalization whose start was lost is started after two minutes, under its name."""

        world = finalizing()
        world.desk.workflows.finalizations.clear()
        assert {"finalizations_started": 1} == world.sweep(later(130))
        recording = world.desk.recording()
        assert [(recording.recording_id, 1)] == world.desk.workflows.finalizations
        assert later(370) == recording.due_at

    def test_begins_the_next_attempt_of_a_silent_one(self) -> None:
        """An attempt that says nothing for nine minutes is followed by another one."""

        world = finalizing()
        world.sweep(later(130))
        assert {"finalizations_lost": 1} == world.sweep(later(730))
        assert {"finalizations_started": 1} == world.sweep(later(790))
        assert 2 == world.desk.recording().attempt
        assert (world.desk.recording().recording_id, 2) in world.desk.workflows.finalizations

    def test_reaches_an_end_whatever_is_silent(self) -> None:
        """Executions that never answer end in error after the third, and the media is kept."""

        world = finalizing()
        for minute in range(2, 300):
            world.sweep(later(60 * minute))
        assert (State.ERROR, "finalization_failed") == (
            world.desk.recording().state,
            world.desk.recording().reason,
        )
        assert {1, 2, 3} == {attempt for _, attempt in world.desk.workflows.finalizations}
        assert None is world.desk.recording().due_at


def finalizing() -> World:
    """Return a world whose only call closed at 10 s, with its first callback delivered."""
    world = World()
    world.streaming()
    world.desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
    world.desk.control.close_call(CALL, 1, later(10))
    world.desk.core.leases.release("worker-1")
    return world


class TestCallbacks:
    """Deliveries that nobody started."""

    def test_starts_what_was_never_started(self) -> None:
        """A callback whose delivery didn't start is started a minute later."""

        world = World()
        world.lease(at=60)
        world.desk.control.join_call(a_joining())
        world.desk.workflows.deliveries.clear()
        assert {"deliveries_started": 1} == world.sweep(later(60))
        webhook_id = keys.webhook_id(world.desk.recording().recording_id, 1)
        assert [(world.desk.recording().recording_id, webhook_id, 1)] == (
            world.desk.workflows.deliveries
        )

    def test_begins_a_round_where_the_execution_died(self) -> None:
        """A callback that is a quarter of an hour late gets a new round, with its attempts kept."""

        world = World()
        world.lease(renewals=9, at=1000)
        world.desk.control.join_call(a_joining())
        (row,) = world.desk.core.store.outbox.values()
        world.desk.core.outbox.record_attempt(replace(row, attempts=1, next_at=later(5)))
        world.desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
        world.desk.control.close_call(CALL, 1, later(10))
        assert 1 == world.sweep(later(1000))["deliveries_started"]
        (row,) = world.desk.core.store.outbox.values()
        assert (2, 1, later(1000)) == (row.round, row.attempts, row.next_at)
        assert (row.recording_id, row.webhook_id, 2) in world.desk.workflows.deliveries

    def test_leaves_alone_what_is_done(self) -> None:
        """A callback that the index still shows, and that was delivered, isn't started."""

        world = finalizing()
        late = world.needs.control
        work = service.OverdueHandler(
            control=late,
            outbox=world.needs.outbox,
            erasing=world.needs.erasing,
            mailbox=world.needs.mailbox,
        )
        assert "" == work.callback(world.desk.recording().recording_id, 1, later(100))


class TestFaults:
    """A sweep that fails somewhere, and the next one."""

    @pytest.mark.parametrize("acts", [False, True])
    def test_ends_the_same_after_a_fault_at_any_call(self, acts: bool) -> None:
        """A fault before or after any port call of a sweep is mended by the sweeps that follow."""

        smooth = dead_world()
        for at in (60, 120, 180):
            smooth.sweep(later(at))
        for n in range(1, 120):
            world = dead_world()
            faults = world.desk.core.faults
            (faults.after if acts else faults.before)(n)
            for at in (60, 120, 180, 240):
                quietly(lambda world=world, at=at: world.sweep(later(at)))  # type: ignore[misc]
            assert outcome(smooth) == outcome(world), n

    def test_counts_what_failed_and_goes_on(self) -> None:
        """One row that can't be mended doesn't keep the others from it."""

        world = World()
        pending(world.desk)
        other = a_call(ref=replace(CALL, call_id="c-2"), open=False, round=0, generation=0)
        orphan = replace(
            world.desk.recording(), recording_id="orphan", call=replace(CALL, call_id="c-9")
        )
        world.desk.core.recordings.create(orphan, an_event(orphan), None)
        world.desk.core.calls.ensure(other)
        world.desk.core.calls.ensure(a_call(open=False, round=0, generation=0))
        assert {"recordings_failed": 1, "failures": 1} == world.sweep(later(290))

    def test_stops_when_its_time_is_over(self) -> None:
        """What there is no time for is left to the next sweep."""

        world = World()
        pending(world.desk)
        world.desk.core.calls.ensure(a_call(open=False, round=0, generation=0))
        times = iter([later(290), later(371)])
        needs = replace(world.needs, now=lambda: next(times))
        assert {"postponed": 1} == {name: n for name, n in needs.sweep().items() if n}


def dead_world() -> World:
    """Return a world in which a worker died in mid-call, with its callback undelivered."""
    world = World()
    world.lease()
    world.desk.control.join_call(a_joining())
    world.journal()
    world.desk.core.faults.calls = 0
    return world


def quietly(step: Callable[[], object]) -> None:
    """Run a sweep as the scheduler does: a failure is the next one's."""
    try:
        step()
    except Unavailable:
        return


def outcome(world: World) -> tuple[object, ...]:
    """Return what counts in the end: states, callbacks, executions, and what is left to clear."""
    store = world.desk.core.store
    return (
        world.desk.states(),
        world.desk.told(),
        sorted(world.desk.workflows.finalizations),
        {stream.ending for stream in store.streams.values()},
        {call.open for call in store.calls.values()},
        {lease.over for lease in store.leases.values()},
        set(world.desk.workflows.deliveries),
    )
