"""Commands to a live call over real sockets: what is captured, and what the database knows."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import types
import wave
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.media import codecs
from chalicelib.recording import keys
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import Recording, RecordOptions, State
from chalicelib.services.calls.record_call import RecordCallRequest, RecordingRequester
from chalicelib.services.finalization.assemble import assemble
from chalicelib.services.recovery.overdue import OverdueHandler
from tests.fake_accounts import FakeMailbox
from tests.fakes_media import FakeRenditionStore
from tests.services.core_desk import Desk, an_erasing
from tests.sink.calls.test_with_call_control import office
from tests.sink.rig import STOP, Rig, frame, media, run, start, until

CALL_KEY = "main/bandwidth/c-1"
SECRET = range(30_000, 30_040)
"""the numbers of frames that are said while everything is paused"""


BETWEEN = 60_000
"""the number of the frame that is sent while nothing particular is said"""


def message(sequence: int, number: int) -> str:
    """Return one of Bandwidth's media messages: a frame of any number."""
    payload = base64.b64encode(frame(number)).decode()
    said = {"sequenceNumber": str(sequence), "track": "inbound", "payload": payload}
    return json.dumps({"eventType": "media", **said})


@dataclass
class Stage:
    """A call on a sink, and the database that both know."""

    desk: Desk
    rig: Rig
    socket: ClientConnection
    sent: list[int] = field(default_factory=list)
    """the numbers of the frames so far"""
    script: deque[int] = field(default_factory=deque)

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Send a frame each 20 ms, as a carrier does, whatever else happens."""
        task = asyncio.create_task(self._talk())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.socket.send(STOP)

    async def say(self, numbers: Iterable[int]) -> None:
        """Have these frames sent next; return when they are."""
        self.script.extend(numbers)
        await until(lambda: not self.script)

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            self.sent.append(self.script.popleft() if self.script else BETWEEN)
            await self.socket.send(message(len(self.sent), self.sent[-1]))
            await asyncio.sleep(begun + len(self.sent) * 0.02 - loop.time())

    async def command(self, kind: CommandKind, recording_id: str = "", **facts: Any) -> None:
        """Give a command, and wait until it is carried out."""
        at = datetime.now(UTC)
        command = Command(
            command_id=f"{kind}-{at.isoformat()}",
            kind=kind,
            worker="w-1",
            call_key=CALL_KEY,
            recording_id=recording_id or self.recording.recording_id,
            at=at,
            **facts,
        )
        self.rig.mailbox.send(command)
        await until(lambda: not self.rig.mailbox.is_waiting(command))
        await self.say([BETWEEN])  # the frame that was under way

    @property
    def recording(self) -> Recording:
        """Return the call's first recording."""
        return self.desk.core.recordings.of_call(CALL_KEY)[0]

    def request(self, control_id: str) -> str:
        """Ask for a further recording, as the API does; return its id."""
        profile = self.desk.core.profiles.get("main", "support")
        requester = RecordingRequester(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            now=lambda: datetime.now(UTC),
            pending_for=timedelta(minutes=5),
        )
        options = RecordOptions()
        request = RecordCallRequest(call_id="c-1", control_id=control_id, options=options)
        return requester.request(profile, request).recording_id

    def heard(self, recording_id: str = "") -> bytes:
        """Return the samples of a recording's rendition."""
        renditions = FakeRenditionStore()
        wanted = recording_id or self.recording.recording_id
        assemble(
            wanted,
            1,
            recordings=self.desk.core.recordings,
            calls=self.desk.core.calls,
            media=self.rig.store,
            renditions=renditions,
            encoder=FileEncoder(),
            now=lambda: datetime.now(UTC),
        )
        body = renditions.objects[keys.rendition_key("main", wanted, "wav")]
        with wave.open(io.BytesIO(body)) as file:
            return file.readframes(file.getnframes())

    def states(self, recording_id: str = "") -> list[str]:
        """Return what the callbacks of a recording tell."""
        rows = self.desk.core.outbox.rows(recording_id or self.recording.recording_id)
        return [str(row.state) for row in rows]


@asynccontextmanager
async def stage(**options: Any) -> AsyncIterator[Stage]:
    """Begin a recorded call; it stops when the block ends."""
    desk, rig = office(record_call=RecordOptions(**options))
    async with rig.running(), rig.bandwidth() as socket:
        await socket.send(start())
        await until(lambda: desk.core.store.recordings)
        on = Stage(desk, rig, socket)
        async with on.talking():
            yield on
        await until(lambda: not rig.sink.call_registry.calls)


def a_pause(recording_id: str, call_key: str = CALL_KEY) -> Command:
    """Return a command."""
    return Command(
        command_id="x",
        kind=CommandKind.PAUSE,
        worker="w-1",
        call_key=call_key,
        recording_id=recording_id,
        at=datetime.now(UTC),
    )


def pcm(numbers: Iterable[int]) -> bytes:
    """Return frames decoded."""
    return b"".join(codecs.decode(frame(number), "PCMU") for number in numbers)


def holds(root: object, payload: bytes) -> bool:
    """Whether any object that is reachable from this one holds these bytes."""
    seen: set[int] = set()
    found = [root]
    while found:
        one = found.pop()
        if id(one) in seen or isinstance(one, types.ModuleType | type | types.FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray) and payload in one:
            return True
        found += gc.get_referents(one)
    return False


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
