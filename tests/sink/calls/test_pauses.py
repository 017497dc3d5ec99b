"""Pauses of a live recording: what is said in them is stored nowhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from websockets.asyncio.client import ClientConnection

from chalicelib.recording.commands import CommandKind
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.model import State
from tests.sink.calls.commanded_call import (
    BETWEEN,
    SECRET,
    Stage,
    a_pause,
    holds,
    pcm,
    stage,
)
from tests.sink.rig import frame, run, start, until


def test_what_is_said_in_a_pause_is_nowhere() -> None:
    """Not in the journal, not in a segment, not in the worker's memory: not even during it."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(20))
            await on.command(CommandKind.PAUSE)
            await on.say(SECRET)
            assert not any(holds(on.rig.sink, frame(number)) for number in (SECRET[0], SECRET[-1]))
            assert holds(on.rig.sink, frame(3))
            await on.command(CommandKind.RESUME)
            await on.say(range(20, 40))
        stored = b"".join(on.rig.store.objects.values())
        assert not [number for number in SECRET if frame(number) in stored]
        heard = on.rig.stored("segments/").replace(frame(BETWEEN), b"")
        assert b"".join(map(frame, range(40))) == heard
        assert ["recording", "paused", "recording"] == on.states()

    run(scenario)


def test_a_skipped_pause_is_not_there_and_what_surrounds_it_is_exact() -> None:
    """Before it every sample, after it every one, and nothing between but what was recorded."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(25))
            await on.command(CommandKind.PAUSE)
            await on.say(SECRET)
            await on.command(CommandKind.RESUME)
            await on.say(range(25, 50))
        heard = on.heard()
        before, after = heard.index(pcm(range(25))), heard.index(pcm(range(25, 50)))
        assert before < after
        assert after - before < len(pcm(range(25 + len(SECRET))))

    run(scenario)


def test_a_silent_pause_keeps_its_length() -> None:
    """What comes after it is where it was in the call, to the sample, and silence is between."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(25))
            await on.command(CommandKind.PAUSE, behavior=Behavior.SILENCE)
            await on.say(SECRET)
            await on.command(CommandKind.RESUME)
            await on.say(range(25, 50))
        heard = on.heard()
        before, after = heard.index(pcm(range(25))), heard.index(pcm(range(25, 50)))
        assert len(pcm(range(on.sent.index(25) - on.sent.index(0)))) == after - before
        pause = heard[before + len(pcm(range(25))) : after].replace(pcm([BETWEEN]), b"")
        assert len(pcm(SECRET)) <= pause.count(b"\0")
        assert not [number for number in SECRET if pcm([number])[:40] in heard]

    run(scenario)


def test_one_recording_pauses_while_another_goes_on() -> None:
    """Capture goes on; the paused recording doesn't show it, the other one does."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(20))
            other = on.request("other")
            await on.command(CommandKind.RECORD_CALL, other)
            await on.command(CommandKind.PAUSE)
            await on.say(SECRET)
            await on.command(CommandKind.RESUME)
            await on.say(range(20, 40))
        shown = on.heard(other)
        assert pcm(SECRET) in shown
        assert pcm([19]) not in shown
        assert not [number for number in SECRET if pcm([number])[:40] in on.heard()]

    run(scenario)


def test_a_pause_does_not_wait_for_a_stop_that_waits_for_the_store() -> None:
    """S3 is away while one recording stops: another one is paused at once, and what is said then is
    nowhere."""

    async def scenario() -> None:
        async with stage() as on:
            second = on.request("second")
            await on.command(CommandKind.RECORD_CALL, second)
            await on.say(range(20))
            on.rig.store.is_away = True
            on.rig.mailbox.send(replace(a_pause(second), kind=CommandKind.STOP_RECORD_CALL))
            await on.command(CommandKind.PAUSE)
            await on.say(SECRET)
            assert "recording" == on.desk.core.recordings.get(second).state
            on.rig.store.is_away = False
            await until(lambda: on.desk.core.recordings.get(second).state == "finalizing")
            await on.command(CommandKind.RESUME)
            await on.say(range(20, 40))
        stored = b"".join(on.rig.store.objects.values())
        assert not [number for number in SECRET if frame(number) in stored]
        heard = on.rig.stored("segments/").replace(frame(BETWEEN), b"")
        assert b"".join(map(frame, range(40))) == heard

    run(scenario)


def test_a_pause_does_not_count_for_max_length() -> None:
    """The recording ends when it has recorded that long."""

    async def scenario() -> None:
        async with stage(max_length_s=0.6) as on:
            await on.say(range(20))
            await on.command(CommandKind.PAUSE)
            await on.say(SECRET)
            assert State.PAUSED is on.recording.state
            await on.command(CommandKind.RESUME)
            await on.say(range(20, 40))
            await until(lambda: on.recording.state is State.FINALIZING)
            assert "max_length" == on.recording.reason
        assert len(pcm(range(30))) == len(on.heard())

    run(scenario)


def test_a_stream_that_comes_in_a_pause_is_kept_nowhere() -> None:
    """A reconnect finds the call paused: what it brings is let go until the recording goes on."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(5))
            await on.command(CommandKind.PAUSE)
            async with on.rig.bandwidth() as again:
                await again.send(start(stream_id="s-2"))
                other = Stage(on.desk, on.rig, again)
                async with other.talking():
                    await other.say(SECRET[:10])
                    await until(lambda: len(on.desk.core.store.streams) == 2)
                    await other.say(SECRET[10:20])
        assert not [number for number in SECRET if holds(on.rig.store, frame(number))]

    run(scenario)


class Stalling:
    """A socket whose network stalls for a while."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.flows = asyncio.Event()
        self.flows.set()

    async def send(self, message: str) -> None:
        """Send a message when the network goes on."""
        await self.flows.wait()
        await self._socket.send(message)


def test_what_was_said_in_a_pause_and_comes_after_it_is_not_shown() -> None:
    """A network that stalls during the resume delivers everything at once afterwards."""

    async def scenario() -> None:
        async with stage() as on:
            network = Stalling(on.socket)
            on.socket = network  # type: ignore[assignment]  # as much of it as is used
            await on.say(range(50))
            await on.command(CommandKind.PAUSE)
            network.flows.clear()
            on.script.extend(SECRET)
            await asyncio.sleep(0.02 * len(SECRET))
            asyncio.get_running_loop().call_later(0.2, network.flows.set)
            await on.command(CommandKind.RESUME)
            await on.say(range(50, 200))
        heard = on.heard()
        assert pcm(range(100, 200)) in heard
        shown = [number for number in SECRET if pcm([number])[:40] in heard]
        assert [] == shown

    run(scenario)
