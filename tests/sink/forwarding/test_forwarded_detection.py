"""What a call's owner detects and plays through another worker."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from chalicelib.media import codecs
from chalicelib.media.tones import beep, digit_tone
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import RecordOptions, State
from tests.media.sounds import quiet, speech
from tests.services.core_desk import Desk
from tests.sink.calls.test_beeps import heard
from tests.sink.calls.test_with_call_control import office
from tests.sink.fakes import SlowStore
from tests.sink.pair import CALL_KEY, UNHURRIED
from tests.sink.rig import STOP, Rig, media, run, start, until
from tests.sink.speaking import BareSpeaker, OutboundSpeaker, Speaker, Spoken, talking
from tests.sink.telling import telling


@asynccontextmanager
async def workers(
    alone_after_s: float = UNHURRIED.alone_after_s, **profile: Any
) -> AsyncIterator[tuple[Desk, Rig, Rig]]:
    """Run two workers of one deployment; the second captures alone where asked to."""
    desk, near = office(**profile)
    near = replace(near, limits=UNHURRIED)
    far = Rig(
        name="w-2",
        control=near.control,
        live=near.live,
        mailbox=near.mailbox,
        store=SlowStore(objects=near.store.objects),
        limits=replace(UNHURRIED, alone_after_s=alone_after_s),
    )
    async with AsyncExitStack() as running:
        await running.enter_async_context(near.running())
        await running.enter_async_context(far.running())
        yield desk, near, far


async def until_owned(desk: Desk, streams: int) -> None:
    """Return when so many streams are the first worker's."""
    await until(
        lambda: ["w-1"] * streams == [one.worker for one in desk.core.calls.streams(CALL_KEY)]
    )


def test_silence_on_both_sides_ends_a_recording_on_two_workers() -> None:
    """While the far side talks it goes on; when both are silent it ends where they stopped."""

    async def scenario() -> None:
        options = RecordOptions(end_silence_timeout_s=0.6)
        async with (
            workers(record_call=options, dialect="signalwire-tap") as (desk, near, far),
            near.tap(direction="speak") as one,
            talking(speak := BareSpeaker(one)),
        ):
            await speak.say(speech(0.4, -15))
            async with far.tap(direction="listen") as other, talking(listen := BareSpeaker(other)):
                await listen.say(speech(2.0, -15))
                (recording,) = desk.core.store.recordings.values()
                assert State.RECORDING is recording.state
                await until(lambda: _ended_by(desk) == "end_silence")
            streams = desk.core.calls.streams("main/signalwire/c-1")
            assert {"w-1"} == {stream.worker for stream in streams}

    run(scenario)


def test_a_tone_on_another_worker_ends_a_recording() -> None:
    """The owner listens to what is passed on."""

    async def scenario() -> None:
        async with (
            workers(record_call=RecordOptions(terminators="#")) as (desk, near, far),
            near.bandwidth() as first,
            far.bandwidth() as second,
        ):
            await first.send(start())
            await first.send(media(1))
            await until_owned(desk, 1)
            await second.send(start(stream_id="s-2"))
            async with talking(speaker := Speaker(second)):
                await until_owned(desk, 2)
                await speaker.say(quiet(0.2) + digit_tone("#", rate_hz=8000, duration_ms=100))
                await until(lambda: _ended_by(desk) == "digit")
            for socket in (first, second):
                await socket.send(STOP)

    run(scenario)


def test_a_digit_that_another_worker_is_told_ends_a_recording() -> None:
    """Its message is passed on like the sound."""

    async def scenario() -> None:
        async with (
            workers(record_call=RecordOptions(terminators="#")) as (desk, near, far),
            near.bandwidth() as first,
        ):
            await first.send(start())
            await first.send(media(1))
            await until_owned(desk, 1)
            async with telling(far) as second:
                await second.send(bytes(160))
                await until_owned(desk, 2)
                for message in ("5", bytes(160), "<#", "#"):
                    await second.send(message)
                    await asyncio.sleep(0.02)
                await until(lambda: _ended_by(desk) == "digit")
            (wanted,) = desk.core.store.recordings
            events = desk.core.history.events(wanted)
            await first.send(STOP)
        told = {event.detail["cause"]: event.detail.get("digit") for event in events}
        assert "#" == told[str(Cause.DIGIT)]

    run(scenario)


def test_a_worker_that_captures_a_part_hears_digits_alone() -> None:
    """Its silence ends nothing while the owner's side talks; a tone does."""

    async def scenario() -> None:
        options = RecordOptions(initial_timeout_s=0.5, end_silence_timeout_s=0.5, terminators="#")
        async with (
            workers(alone_after_s=0.0, record_call=options) as (desk, near, far),
            near.bandwidth() as first,
            far.bandwidth() as second,
        ):
            await first.send(start())
            async with talking(owner := OutboundSpeaker(first)):
                await until_owned(desk, 1)
                await second.send(start(stream_id="s-2"))
                async with talking(part := Speaker(second)):
                    said = asyncio.create_task(owner.say(speech(3, -15)))
                    await part.say(quiet(1.5))
                    streams = desk.core.calls.streams(CALL_KEY)
                    assert ["w-1", "w-2"] == sorted(stream.worker for stream in streams)
                    assert "" == _ended_by(desk)
                    await part.say(digit_tone("#", rate_hz=8000, duration_ms=100))
                    await until(lambda: _ended_by(desk) == "digit")
                    said.cancel()
            for socket in (first, second):
                await socket.send(STOP)

    run(scenario)


def test_a_beep_is_played_over_another_worker() -> None:
    """The only stream that is left leads back through the worker that has its socket."""

    async def scenario() -> None:
        async with (
            workers(record_call=RecordOptions(), bidirectional=True) as (desk, near, far),
            far.bandwidth() as second,
        ):
            async with near.bandwidth() as first:
                await first.send(start())
                await first.send(media(1))
                await until_owned(desk, 1)
                await second.send(start(stream_id="s-2"))
                await second.send(media(1))
                await until_owned(desk, 2)
                await first.send(STOP)
            await until(lambda: _living(desk) == 1)
            call = Spoken(desk, near, Speaker(second))
            asked = await call.record("b", beep=True)
            (message,) = await heard(second)
            assert "playAudio" == message["eventType"]
            payload = base64.b64decode(message["media"]["payload"])
            assert codecs.encode(beep(8000), "PCMU") == payload
            await until(lambda: call.row(asked).beep_played)
            await second.send(STOP)

    run(scenario)


def _ended_by(desk: Desk) -> str:
    (recording,) = desk.core.store.recordings.values()
    return recording.reason


def _living(desk: Desk) -> int:
    return sum(one.ended_at is None for one in desk.core.calls.streams(CALL_KEY))


def test_silence_ends_a_recording_after_its_owner_died() -> None:
    """The next owner detects what the dead one no longer can."""

    async def scenario() -> None:
        options = RecordOptions(end_silence_timeout_s=0.8)
        async with (
            workers(record_call=options, dialect="signalwire-tap") as (desk, near, far),
            near.tap(direction="speak") as one,
        ):
            await one.send(bytes(160))
            await until(lambda: desk.core.store.recordings)
            async with far.tap(direction="listen") as other, talking(listen := BareSpeaker(other)):
                await listen.say(speech(0.6, -15))
                await near.die()
                await listen.say(speech(1.6, -15, seed=2))
                (recording,) = desk.core.store.recordings.values()
                assert State.RECORDING is recording.state
                assert "w-2" == desk.core.calls.get("main/signalwire/c-1").owner
                await until(lambda: _ended_by(desk) == "end_silence")

    run(scenario)
