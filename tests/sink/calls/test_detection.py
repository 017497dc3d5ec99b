"""Recordings that end by themselves, over real sockets and by what their renditions sound like."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.capture.events import Encoding
from chalicelib.media import codecs
from chalicelib.media.tones import digit_tone
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import RecordOptions, State
from tests.media.sounds import RATE_HZ, in_noise, quiet, speech, through
from tests.sink.calls.test_with_call_control import office
from tests.sink.fakes import FakeControl
from tests.sink.rig import QUICK, STOP, Rig, run, start, until
from tests.sink.speaking import Speaker, speaking, talking
from tests.sink.telling import telling


def key(digit: str) -> bytes:
    """Return a key press."""
    return digit_tone(digit, rate_hz=RATE_HZ, duration_ms=100)


def test_a_tone_ends_a_recording_before_it() -> None:
    """The rendition has every sample until 35 ms before the tone at most, and nothing of it."""

    async def scenario() -> None:
        async with speaking(terminators="#") as call:
            await call.speaker.say(speech(0.6, -20) + quiet(0.2) + key("5") + quiet(0.2))
            assert State.RECORDING is call.recording.state
            await call.speaker.say(key("#"))
            await until(lambda: call.recording.state is State.FINALIZING)
        tone_at = call.speaker.sent.rindex(through(Encoding.PCMU, key("#")))
        heard = call.heard()
        assert call.speaker.sent.startswith(heard)
        assert 0 <= tone_at - len(heard) <= 16 * 35
        assert "digit" == call.recording.reason
        assert {"cause": "digit", "by": "owner", "digit": "#"} == call.details()[-1]

    run(scenario)


@pytest.mark.parametrize(
    "command", [CommandKind.STOP_RECORD_CALL, CommandKind.PAUSE, CommandKind.RESUME]
)
def test_a_command_behind_a_digit_moves_no_end(command: CommandKind) -> None:
    """While what other workers hold is waited for, it is the digit that ended the recording."""

    async def scenario() -> None:
        async with speaking(other_workers_s=0.6, terminators="#") as call:
            await call.speaker.say(speech(0.4, -20) + quiet(0.2) + key("#") + quiet(0.2))
            if command is CommandKind.RESUME:
                await call.command(CommandKind.PAUSE)
            await call.command(command)
            await until(lambda: call.recording.state is State.FINALIZING)
        tone_at = call.speaker.sent.rindex(through(Encoding.PCMU, key("#")))
        assert 0 <= tone_at - len(call.heard()) <= 16 * 35
        assert "digit" == call.recording.reason
        assert {"cause": "digit", "by": "owner", "digit": "#"} == call.details()[-1]

    run(scenario)


def test_a_digit_s_end_waits_for_other_workers() -> None:
    """What another worker holds of the call is in its journal before the recording is assembled."""

    async def scenario() -> None:
        async with speaking(other_workers_s=1.0, terminators="#") as call:
            await call.speaker.say(speech(0.4, -20) + quiet(0.2) + key("#") + quiet(0.2))
            await asyncio.sleep(0.3)
            assert State.RECORDING is call.recording.state
            await until(lambda: call.recording.state is State.FINALIZING)

    run(scenario)


def test_silence_ends_a_recording_and_is_kept() -> None:
    """It is as long as the timeout, behind the last word."""

    async def scenario() -> None:
        async with speaking(end_silence_timeout_s=0.6) as call:
            said = speech(0.8, -15)
            await call.speaker.say(quiet(0.3) + said)
            await until(lambda: call.recording.state is State.FINALIZING)
        heard = call.heard()
        assert call.speaker.sent.startswith(heard)
        end = call.speaker.sent.index(through(Encoding.PCMU, said)) + len(said)
        assert 400 <= (len(heard) - end) / 16 <= 625
        assert "end_silence" == call.recording.reason

    run(scenario)


def test_nobody_speaks() -> None:
    """The state and the callback say so, at once, and no segment is stored."""

    async def scenario() -> None:
        async with speaking(initial_timeout_s=0.5) as call:
            await until(lambda: call.recording.state is State.NO_INPUT)
            stored = [name for name in call.rig.store.objects if name.startswith("segments/")]
        assert [] == stored
        assert ["recording", "no_input"] == call.states()
        assert "initial_timeout" == call.recording.reason
        assert [] == call.desk.workflows.finalizations

    run(scenario)


def test_a_digit_in_a_pause_does_nothing_and_after_it_ends() -> None:
    """A card number's digits neither stop a recording nor stand in its history."""

    async def scenario() -> None:
        async with speaking(terminators="0123456789#") as call:
            await call.speaker.say(quiet(0.2))
            await call.command(CommandKind.PAUSE)
            await call.speaker.say(quiet(0.1) + key("4") + quiet(0.1) + key("#") + quiet(0.2))
            assert State.PAUSED is call.recording.state
            await call.command(CommandKind.RESUME)
            await call.speaker.say(quiet(0.2) + key("7"))
            await until(lambda: call.recording.state is State.FINALIZING)
        assert ["7"] == [one["digit"] for one in call.details() if "digit" in one]

    run(scenario)


def test_what_was_said_before_the_database_answered_was_heard() -> None:
    """It takes 0.7 s to say that the call is recorded; the word before was in time."""

    async def scenario() -> None:
        control = FakeControl(delay_s=0.7, options=RecordOptions(initial_timeout_s=1.0))
        rig = Rig(control=control, limits=replace(QUICK, alone_after_s=5.0))
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            async with talking(speaker := Speaker(socket)):
                await speaker.say(speech(0.4, -15) + quiet(1.6))
            await socket.send(STOP)
        assert [] == control.ended_recordings

    run(scenario)


def test_what_was_captured_alone_is_heard_in_its_own_encoding() -> None:
    """A tap says none in band: a key in PCMA is one when the database has told."""

    async def scenario() -> None:
        options = RecordOptions(terminators="#")
        control = FakeControl(delay_s=0.8, encoding=Encoding.PCMA, options=options)
        rig = Rig(control=control, limits=replace(QUICK, alone_after_s=0.1))
        payload = codecs.encode(quiet(0.2) + key("#") + quiet(0.5), Encoding.PCMA)
        async with rig.running(), rig.tap() as socket:
            for begin in range(0, len(payload), 160):
                await socket.send(payload[begin : begin + 160])
                await asyncio.sleep(0.02)
            await until(lambda: control.ended_recordings)
        ((_, cause, _),) = control.ended_recordings
        assert Cause.DIGIT is cause

    run(scenario)


def test_what_can_t_be_heard_any_more_may_have_been_speech() -> None:
    """Captured alone, the word was stored before the database told who records: nobody says that
    nobody spoke."""

    async def scenario() -> None:
        control = FakeControl(delay_s=2.0, options=RecordOptions(initial_timeout_s=0.5))
        limits = replace(QUICK, alone_after_s=0.1, segment_every_s=0.3)
        rig = Rig(control=control, limits=limits)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            async with talking(speaker := Speaker(socket)):
                await speaker.say(speech(0.5, -15) + quiet(3.0))
                assert rig.stored("segments/")
            await socket.send(STOP)
        assert [] == control.ended_recordings

    run(scenario)


def test_each_recording_of_a_call_has_its_own_ears() -> None:
    """Soft speech on a line with noise: one recording hears it and goes on, the other ends."""

    async def scenario() -> None:
        async with speaking(initial_timeout_s=3600.0, terminators="1") as call:
            keen = await call.record("keen", initial_timeout_s=1.0, input_sensitivity=60.0)
            deaf = await call.record("deaf", initial_timeout_s=1.0, input_sensitivity=10.0)
            both = await call.record("both", initial_timeout_s=2.5, terminators="2")
            await call.speaker.say(in_noise(speech(2.2, -30), -60) + key("2"))
            await until(lambda: call.row(both).state is State.FINALIZING)
            await until(lambda: call.row(deaf).state is State.NO_INPUT)
            assert State.RECORDING is call.row(keen).state
            assert State.RECORDING is call.recording.state
            await call.speaker.say(key("1"))
            await until(lambda: call.recording.state is State.FINALIZING)
        assert "digit" == call.row(both).reason
        assert "call_closed" == call.row(keen).reason

    run(scenario)


def test_a_stream_that_sends_nothing_more_is_silent() -> None:
    """After four seconds the recording ends, at the time at which the timeout ran out."""

    async def scenario() -> None:
        async with speaking(end_silence_timeout_s=0.5) as call:
            await call.speaker.say(speech(0.8, -15))
            call.speaker.is_muted = True
            await asyncio.sleep(3)
            assert State.RECORDING is call.recording.state
            await until(lambda: call.recording.state is State.FINALIZING)
            assert call.recording.intervals[-1].to_us is not None
            ended_us = call.recording.intervals[-1].to_us
            started = call.recording.started_at
            assert started is not None
            assert 0.5 <= ended_us / 1e6 - started.timestamp() <= 1.6

    run(scenario)


def test_a_digit_that_the_carrier_tells_ends_a_recording() -> None:
    """At the instant of its message; other digits, and those played to the party, don't."""

    async def scenario() -> None:
        desk, rig = office(record_call=RecordOptions(terminators="#"))
        async with rig.running(), telling(rig) as socket:
            await until(lambda: desk.core.store.recordings)
            (wanted,) = desk.core.store.recordings
            for message in (bytes(160), "<#", "5", bytes(160), "#", bytes(160)):
                await socket.send(message)
                await asyncio.sleep(0.05)
            await until(lambda: desk.core.recordings.get(wanted).state is State.FINALIZING)
            events = desk.core.history.events(wanted)
        assert [Cause.DIGIT, "#"] == [events[-1].detail["cause"], events[-1].detail["digit"]]

    run(scenario)


def test_a_digit_that_nobody_asked_for_is_nobodys() -> None:
    """It is stored nowhere."""

    async def scenario() -> None:
        desk, rig = office()
        async with rig.running(), telling(rig) as socket:
            await until(lambda: desk.core.store.recordings)
            await socket.send("#")
            await socket.send(bytes(160))
            await until(lambda: rig.stored("journal/"))
            (wanted,) = desk.core.store.recordings
            events = desk.core.history.events(wanted)
        assert ["first_media"] == [event.detail["cause"] for event in events]

    run(scenario)
