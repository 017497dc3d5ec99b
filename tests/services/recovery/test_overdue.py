"""What is looked at late, when it changed since the index was read."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.recording.commands import CommandKind
from chalicelib.recording.model import State
from chalicelib.services.recovery.overdue import OverdueHandler, WorkerList
from tests.samples import CALL, a_joining, a_profile, later
from tests.services.calls.test_call_lifecycle import pending
from tests.services.core_desk import Desk
from tests.services.recovery.test_sweep import World, finalizing


def late_work(world: World) -> OverdueHandler:
    """Return who looks after a world's late rows."""
    return OverdueHandler(
        control=world.needs.control,
        outbox=world.needs.outbox,
        erasing=world.needs.erasing,
        mailbox=world.needs.mailbox,
    )


def test_a_call_that_was_postponed_meanwhile_is_left_alone() -> None:
    """Nothing of it is done before its new time, though the index still shows the old one."""
    world = World()
    world.streaming()
    call = world.desk.core.calls.get(CALL.key)
    nobody = WorkerList(workers=(), read_at=later(500))

    assert "" == late_work(world).call(CALL.key, nobody, later(500))
    (stream,) = world.desk.core.calls.streams(CALL.key)
    assert None is stream.ended_at
    assert call == world.desk.core.calls.get(CALL.key)


def test_a_recording_that_was_postponed_meanwhile_is_left_alone() -> None:
    """Its next attempt begins when its row says, not when an old index says."""
    world = finalizing()
    world.desk.workflows.finalizations.clear()
    recording = world.desk.recording()

    assert "" == late_work(world).recording(recording.recording_id, later(100))
    assert [] == world.desk.workflows.finalizations


def test_a_callback_that_was_given_up_is_not_sent_again() -> None:
    """An old index may still show it."""
    world = World()
    world.desk.control.join_call(a_joining())
    (row,) = world.desk.core.store.outbox.values()
    given_up = replace(row, attempts=1, given_up="exhausted")
    world.desk.core.outbox.record_attempt(given_up)
    world.desk.workflows.deliveries.clear()

    assert "" == late_work(world).callback(row.recording_id, row.number, later(100))
    assert [] == world.desk.workflows.deliveries


def test_every_worker_of_a_call_is_told_what_begins() -> None:
    """One that isn't told keeps no media of its stream."""
    world = World(Desk(a_profile(record_call=None)))
    world.desk.control.join_call(a_joining())
    further = a_joining(stream_key="stream-2", worker="worker-2", is_captured=True)
    world.desk.control.join_call(further)
    pending(world.desk)
    recording = world.desk.recording()

    assert "recordings_begun" == late_work(world).recording(recording.recording_id, later(290))
    assert State.RECORDING == world.desk.recording().state
    for worker in ("worker-1", "worker-2"):
        (command,) = world.desk.core.mailbox.waiting(worker)
        assert CommandKind.RECORD_CALL == command.kind
