"""Commands to a live call over real sockets: what is captured, and what the database knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.recording.commands import CommandKind
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import State
from chalicelib.services.recovery.overdue import OverdueHandler
from tests.fake_accounts import FakeMailbox
from tests.services.core_desk import an_erasing
from tests.sink.calls.commanded_call import (
    BETWEEN,
    CALL_KEY,
    SECRET,
    Stage,
    a_pause,
    holds,
    pcm,
    stage,
)
from tests.sink.calls.test_with_call_control import office
from tests.sink.rig import STOP, frame, media, run, start, until


def test_a_recording_that_its_worker_never_heard_of_is_begun_by_the_sweeper() -> None:
    """Who asked for it died before the worker was told: from the sweep on its media is kept."""

    async def scenario() -> None:
        desk, rig = office(record_call=None)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: desk.core.calls.streams(CALL_KEY))
            on = Stage(desk, rig, socket)
            async with on.talking():
                late = OverdueHandler(
                    control=desk.control_of(Writer.SWEEPER),
                    outbox=desk.core.outbox,
                    erasing=an_erasing(desk.core),
                    mailbox=desk.core.mailbox,
                )
                wanted = on.request("mine")
                in_six_minutes = datetime.now(UTC) + timedelta(minutes=6)
                assert "recordings_begun" == late.recording(wanted, in_six_minutes)
                await until(lambda: not rig.mailbox.waiting("w-1"))
                await on.say(range(20))
            await until(lambda: not rig.sink.call_registry.calls)
        assert pcm(range(20)) in on.heard(wanted)

    run(scenario)


def test_a_recording_begins_in_mid_call() -> None:
    """It shows what comes from then on; what was said before belongs to others."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(25))
            other = on.request("other")
            await on.command(CommandKind.RECORD_CALL, other)
            assert State.RECORDING is on.desk.core.recordings.get(other).state
            await on.say(range(25, 50))
        heard = on.heard(other)
        assert pcm(range(25, 50)) in heard
        assert pcm([24]) not in heard

    run(scenario)


def test_a_recording_of_a_call_that_nobody_recorded_begins_in_mid_call() -> None:
    """Media was let go until then, and has its place all the same."""

    async def scenario() -> None:
        desk, rig = office(record_call=None)
        async with rig.running(), rig.bandwidth() as socket:
            on = Stage(desk, rig, socket)
            await socket.send(start())
            await until(lambda: desk.core.store.streams)
            async with on.talking():
                await on.say(SECRET)
                other = on.request("other")
                await on.command(CommandKind.RECORD_CALL, other)
                await on.say(range(25))
            await until(lambda: not rig.sink.call_registry.calls)
        assert pcm(range(25)) in on.heard(other)
        assert not holds(rig.store, frame(SECRET[5]))

    run(scenario)


def test_a_stopped_recording_is_stored_before_it_is_finalizing() -> None:
    """Its segment is stored before its state is; no other recording needs what follows."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(10))
            await on.command(CommandKind.STOP_RECORD_CALL)
            assert (State.FINALIZING, "stop") == (on.recording.state, on.recording.reason)
            heard = on.rig.stored("segments/").replace(frame(BETWEEN), b"")
            assert b"".join(map(frame, range(10))) == heard
            await on.say(SECRET)
        assert [(on.recording.recording_id, 1)] == on.desk.workflows.finalizations
        assert not holds(on.rig.store, frame(SECRET[5]))
        assert pcm(range(10)) in on.heard()

    run(scenario)


def test_each_command_acts_once_and_an_outage_delays_it_only() -> None:
    """The database fails at any question of a pause; capture stops at once, the state follows."""

    async def scenario(at: int) -> None:
        async with stage() as on:
            await on.say(range(3))
            (wanted,) = on.desk.core.store.recordings
            mailbox, command = FakeMailbox(on.desk.core.store), a_pause(wanted)
            mailbox.send(command)
            on.desk.core.faults.after(at)
            await until(lambda: not on.desk.core.store.commands)
            mailbox.send(command)
            await until(lambda: not on.desk.core.store.commands)
        recording = on.desk.core.store.recordings[wanted]
        assert 1 == len(recording.intervals)
        assert ["recording", "paused"] == [
            str(row.state) for row in on.desk.core.store.outbox.values()
        ]

    for at in range(1, 11):
        run(lambda at=at: scenario(at))


def test_a_command_for_nothing_is_removed() -> None:
    """Neither a call that isn't here nor a recording that isn't known keeps the mailbox busy."""

    async def scenario() -> None:
        async with stage() as on:
            await on.command(CommandKind.PAUSE, "no-such-recording")
            lost = a_pause("r", "main/bandwidth/elsewhere")
            on.rig.mailbox.send(lost)
            await until(lambda: not on.rig.mailbox.is_waiting(lost))
            assert State.RECORDING is on.recording.state

    run(scenario)


def test_a_mailbox_that_fails_disturbs_no_call() -> None:
    """It is a fact of the worker's health, and capture goes on."""

    async def scenario() -> None:
        desk, rig = office()
        broken = desk.core.faults.wrap(desk.core.mailbox)
        rig = replace(rig, mailbox=broken)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: desk.core.store.recordings)
            desk.core.faults.down()
            for number in range(5):
                await socket.send(media(number))
            await until(lambda: rig.sink.health.failures["mailbox"])
            desk.core.faults.up()
            await until(lambda: not rig.sink.health.is_any_degraded)
            await socket.send(STOP)
            await until(lambda: not rig.sink.call_registry.calls)
        assert b"".join(map(frame, range(5))) == rig.stored("segments/")

    run(scenario)
