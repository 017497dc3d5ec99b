"""Commands and digits on a call that comes by RTP, with the real control behind the sink."""

from __future__ import annotations

import asyncio
import audioop  # from audioop-lts where Python has it no longer
import contextlib
import io
import socket
import time
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.media import codecs
from chalicelib.recording import keys
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Direction, Recording, RecordOptions, State
from chalicelib.recording.rtp_endpoint import EndpointOptions
from chalicelib.services.finalization.assemble import assemble
from chalicelib.sink.ingest.rtp_lock import LOCK_PACKETS
from simulator.rtp import RtpTap, send, socket_to
from tests.fakes_media import FakeRenditionStore
from tests.services.core_desk import Desk
from tests.sink.calls.test_with_call_control import office
from tests.sink.rig import Rig, run, until
from tests.sink.rtp_rig import CALL, SPEEDY, opened, rtp_rig, sound, tell

UNHURRIED = replace(SPEEDY, rtp_silence_s=5.0, alone_after_s=5.0)


@dataclass
class Stage:
    """A call by RTP, and the database that the sink knows."""

    desk: Desk
    rig: Rig
    tap: RtpTap
    sender: socket.socket

    @property
    def recording(self) -> Recording:
        """Return the call's first recording."""
        return self.desk.core.recordings.of_call(CALL.key)[0]

    async def say(self, numbers: range, presses: dict[int, str] | None = None) -> None:
        """Send frames in real time."""
        await send(self.tap, self.sender, map(sound, numbers), presses or {})

    async def command(self, kind: CommandKind) -> None:
        """Give a command about the recording, and wait until it is carried out."""
        command = Command(
            command_id=str(kind),
            kind=kind,
            worker="w-1",
            call_key=CALL.key,
            recording_id=self.recording.recording_id,
            at=datetime.now(UTC),
        )
        self.rig.mailbox.send(command)
        await until(lambda: not self.rig.mailbox.is_waiting(command))

    def heard(self) -> bytes:
        """Return the samples of the recording's rendition."""
        renditions, wanted = FakeRenditionStore(), self.recording.recording_id
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


@contextlib.asynccontextmanager
async def stage(**options: object) -> AsyncIterator[Stage]:
    """Run a sink with a claimed port; at the end the carrier says that the tap is over."""
    desk, _ = office(record_call=RecordOptions(**options))  # type: ignore[arg-type]  # by name
    rig = rtp_rig(
        UNHURRIED,
        control=desk.control,
        live=desk.live,
        mailbox=desk.core.mailbox,
        claims=desk.core.port_claims,
    )
    async with rig.running():
        claim = await opened(rig)
        with socket_to(claim.uri) as sender:
            yield Stage(desk, rig, RtpTap(uri=claim.uri, call_id=CALL.call_id), sender)
        tell(rig, claim, CommandKind.END_PORT)
        await until(lambda: not rig.sink.call_registry.calls)


def pcm(numbers: range) -> bytes:
    """Return frames as they sound."""
    return b"".join(codecs.decode(sound(number), "PCMU") for number in numbers)


def test_what_is_said_in_a_pause_is_stored_nowhere() -> None:
    """Not even what a restarted sender said in the pause before it was recognized."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(30))
            await on.command(CommandKind.PAUSE)
            await on.say(range(1000, 1020))
            anew = on.tap.begun_anew(seed=2)
            await send(anew, on.sender, map(sound, [1020, 1021]), {})
            await asyncio.sleep(0.1)
            await on.command(CommandKind.RESUME)
            await send(anew, on.sender, map(sound, range(30, 60)), {})
        heard = on.heard()
        assert pcm(range(30)) == heard[: len(pcm(range(30)))]
        assert pcm(range(31, 60)) in heard
        everything = b"".join(on.rig.store.objects.values())
        assert [] == [n for n in range(1000, 1022) if sound(n) in everything]
        told = [str(row.state) for row in on.desk.core.outbox.rows(on.recording.recording_id)]
        assert ["recording", "paused", "recording"] == told[:3]

    run(scenario)


def test_what_the_network_holds_back_until_after_the_resume_is_of_the_pause() -> None:
    """It says when it was said: what arrives in a burst then isn't stored, what follows is."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(30))
            await on.command(CommandKind.PAUSE)
            await on.say(range(1030, 1040))
            held_back = [on.tap.sound(sound(number)) for number in range(1040, 1080)]
            await asyncio.sleep(0.8)
            await on.command(CommandKind.RESUME)
            for packet in held_back:
                on.sender.send(packet)
            await on.say(range(30, 80))
        everything = b"".join(on.rig.store.objects.values())
        assert [] == [n for n in range(1030, 1075) if sound(n) in everything]
        assert [] == [n for n in range(35, 80) if sound(n) not in everything]
        assert pcm(range(35, 80)) in on.heard()

    run(scenario)


def test_a_network_that_was_still_for_the_whole_pause_tells_nothing() -> None:
    """How prompt packets are, those before the pause say."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(30))
            await on.command(CommandKind.PAUSE)
            held_back = [on.tap.sound(sound(number)) for number in range(1030, 1070)]
            await asyncio.sleep(0.8)
            await on.command(CommandKind.RESUME)
            for packet in held_back:
                on.sender.send(packet)
            await on.say(range(30, 60))
        everything = b"".join(on.rig.store.objects.values())
        assert [] == [n for n in range(1030, 1065) if sound(n) in everything]
        assert [] == [n for n in range(35, 60) if sound(n) not in everything]

    run(scenario)


def test_what_a_sender_said_in_a_pause_before_it_was_known_is_stored_nowhere() -> None:
    """Its first packets wait until it has proved itself, and a resume may come meanwhile."""

    async def scenario() -> None:
        async with stage(stereo=True) as on:
            listen = EndpointOptions(direction=Direction.LISTEN)
            other = await opened(on.rig, control_id="rtp-listen", options=listen)
            tap = RtpTap(uri=other.uri, call_id=CALL.call_id, direction="listen", seed=2)
            await on.say(range(20))
            await on.command(CommandKind.PAUSE)
            with socket_to(other.uri) as sender:
                said = range(1000, 1000 + LOCK_PACKETS - 1)
                await send(tap, sender, map(sound, said), {})
                await on.command(CommandKind.RESUME)
                await send(tap, sender, map(sound, range(100, 140)), {})
            tell(on.rig, other, CommandKind.END_PORT)
        everything = b"".join(on.rig.store.objects.values())
        assert [] == [n for n in said if sound(n) in everything]
        assert [] == [n for n in range(110, 140) if sound(n) not in everything]

    run(scenario)


def test_a_digit_of_a_telephone_event_ends_a_recording() -> None:
    """Its key is no sound: what was said before it is the recording."""

    async def scenario() -> None:
        async with stage(terminators="#") as on:
            await on.say(range(60), {20: "5", 40: "#"})
            await until(lambda: on.recording.state is State.FINALIZING)
        assert "digit" == on.recording.reason
        heard = on.heard()
        assert pcm(range(20)) == heard[: len(pcm(range(20)))]
        assert pcm(range(20, 39)) in heard
        assert pcm(range(44, 45)) not in heard

    run(scenario)


def test_the_end_of_a_call_is_that_of_its_last_packet() -> None:
    """The recording is as long as what was sent, to the sample."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(25))
        assert pcm(range(25)) == on.heard()
        assert ("call_closed", State.FINALIZING) == (on.recording.reason, on.recording.state)

    run(scenario)


def test_two_ports_are_two_channels() -> None:
    """Speak and listen, one begun a third of a second late: both sides where they were said."""

    async def scenario() -> None:
        async with stage(stereo=True) as on:
            listen = EndpointOptions(direction=Direction.LISTEN)
            other = await opened(on.rig, control_id="rtp-listen", options=listen)
            tap = RtpTap(uri=other.uri, call_id=CALL.call_id, direction="listen", seed=2)
            with socket_to(other.uri) as sender:
                late = asyncio.create_task(on.say(range(60)))
                begun_s = time.monotonic()
                await asyncio.sleep(0.32)
                apart_ms = (time.monotonic() - begun_s) * 1000
                await send(tap, sender, map(sound, range(100, 140)), {})
                await late
            tell(on.rig, other, CommandKind.END_PORT)
        heard = on.heard()
        left, right = (audioop.tomono(heard, 2, *sides) for sides in ((1, 0), (0, 1)))
        assert pcm(range(60)) == left[: len(pcm(range(60)))]
        begun_ms = right.index(pcm(range(100, 140))) / 16
        assert abs(begun_ms - apart_ms) < 20

    run(scenario)
