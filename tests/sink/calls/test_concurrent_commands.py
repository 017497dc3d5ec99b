"""Commands that meet one another, the database's answer, or the end of their call."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Recording, RecordOptions, State
from chalicelib.services.calls.live_recordings import RecordingController
from tests.sink.calls.commanded_call import BETWEEN, SECRET, Stage, a_pause, stage
from tests.sink.calls.test_with_call_control import office
from tests.sink.fakes import FakeControl
from tests.sink.rig import STOP, Rig, frame, media, run, start, until


def a_command(kind: CommandKind, recording_id: str, name: str = "first") -> Command:
    """Return a command under an id of its own."""
    return replace(a_pause(recording_id), kind=kind, command_id=name)


async def stop_that_waits(on: Stage) -> str:
    """Stop the call's recording while the store is away; return its id."""
    recording_id = on.recording.recording_id
    await on.say(SECRET)
    on.rig.store.is_away = True
    on.rig.mailbox.send(a_command(CommandKind.STOP_RECORD_CALL, recording_id))
    await until(lambda: on.rig.sink.call_registry.waiting_bytes)
    return recording_id


async def finish(on: Stage) -> None:
    """Let the store come back, and all commands be carried out."""
    on.rig.store.is_away = False
    await until(lambda: not on.rig.mailbox.waiting("w-1"))


def test_a_discard_beats_a_stop_under_way() -> None:
    """The stop waits for the store: the row says `discard`, and the recording isn't finalized."""

    async def scenario() -> None:
        async with stage() as on:
            recording_id = await stop_that_waits(on)
            on.rig.mailbox.send(a_command(CommandKind.DISCARD, recording_id, "second"))
            await on.say(range(20))
            assert State.RECORDING is on.recording.state
            await finish(on)
            assert (State.ERROR, "discard") == (on.recording.state, on.recording.reason)
        assert on.recording.erasure is not None
        assert [] == on.desk.workflows.finalizations
        assert ["recording", "error"] == on.states()

    run(scenario)


def test_a_stop_does_not_beat_a_discard_under_way() -> None:
    """However many stops come after it."""

    async def scenario() -> None:
        async with stage() as on:
            recording_id = await stop_that_waits(on)
            on.rig.mailbox.send(a_command(CommandKind.DISCARD, recording_id, "second"))
            await on.say(range(10))
            on.rig.mailbox.send(a_command(CommandKind.STOP_RECORD_CALL, recording_id, "third"))
            await on.say(range(10))
            await finish(on)
            assert (State.ERROR, "discard") == (on.recording.state, on.recording.reason)
        assert [] == on.desk.workflows.finalizations

    run(scenario)


class Unanswered:
    """A database that hears of a pause, and answers when it is let."""

    def __init__(self, live: RecordingController) -> None:
        self._live = live
        self.asked, self.answers = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Pause, late."""
        self.asked.set()
        self.answers.wait(5)
        return self._live.pause(recording_id, at_us, behavior)


def test_a_pause_is_in_effect_before_the_database_has_answered() -> None:
    """What is said while the question is on its way is kept nowhere."""

    async def scenario() -> None:
        desk, rig = office(record_call=RecordOptions())
        live: Any = Unanswered(desk.live)
        rig = replace(rig, live=live)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: desk.core.store.recordings)
            on = Stage(desk, rig, socket)
            async with on.talking():
                await on.say([*range(10), *[BETWEEN] * 5])
                rig.mailbox.send(a_pause(on.recording.recording_id))
                await until(live.asked.is_set)
                await on.say(SECRET)
                live.answers.set()
                await until(lambda: not rig.mailbox.waiting("w-1"))
                await on.command(CommandKind.RESUME)
                await on.say(range(10, 20))
            await until(lambda: not rig.sink.call_registry.calls)
        stored = b"".join(rig.store.objects.values())
        assert [] == [number for number in SECRET if frame(number) in stored]
        assert [] == [number for number in range(20) if frame(number) not in stored]

    run(scenario)


def test_a_command_waits_for_the_one_before_it() -> None:
    """A resume that overtook its pause would leave the recording paused."""

    async def scenario() -> None:
        desk, rig = office(record_call=RecordOptions())
        live: Any = Unanswered(desk.live)
        rig = replace(rig, live=live)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: desk.core.store.recordings)
            on = Stage(desk, rig, socket)
            async with on.talking():
                recording_id = on.recording.recording_id
                rig.mailbox.send(a_pause(recording_id))
                await until(live.asked.is_set)
                rig.mailbox.send(a_command(CommandKind.RESUME, recording_id, "second"))
                await on.say(range(10))
                live.answers.set()
                await until(lambda: not rig.mailbox.waiting("w-1"))
                assert State.RECORDING is on.recording.state
                assert 2 == len(on.recording.intervals)

    run(scenario)


@dataclass
class SlowlyEnding(FakeControl):
    """A database that takes its time for the end of a recording."""

    order: list[str] = field(default_factory=list)

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """Note the end of a recording, late."""
        time.sleep(0.3)
        self.order.append("recording")

    def close_call(self, *args: Any) -> Any:
        """Note the end of a call."""
        self.order.append("call")
        return super().close_call(*args)


def test_a_call_closes_after_the_stops_of_its_recordings() -> None:
    """A stop that is under way when the call ends is still a stop."""

    async def scenario() -> None:
        control = SlowlyEnding()
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send(media(0))
                await until(lambda: rig.control.joinings)
                rig.mailbox.send(a_command(CommandKind.STOP_RECORD_CALL, "r-c-1"))
                await until(lambda: rig.store.objects)
                await socket.send(STOP)
            await until(lambda: rig.control.closed)
        assert ["recording", "call"] == control.order

    run(scenario)
