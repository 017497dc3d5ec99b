"""The beep: sent back to the carrier where its stream leads both ways, once for each recording."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from chalicelib.media import codecs
from chalicelib.media.tones import beep
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.model import RecordOptions
from tests.sink.calls.test_with_call_control import office
from tests.sink.rig import STOP, media, run, start, until
from tests.sink.speaking import Speaker, Spoken

BEEP = RecordOptions(beep=True)


async def heard(socket: ClientConnection, within_s: float = 0.3) -> list[dict[str, Any]]:
    """Return what the carrier is sent."""
    told: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(within_s):
            while True:
                told.append(json.loads(await socket.recv()))
    except TimeoutError:
        return told


def test_a_beep_is_played_to_the_party() -> None:
    """As Bandwidth's message has it, when the recording begins, and it is noted; a pause later
    changes nothing."""

    async def scenario() -> None:
        desk, rig = office(record_call=BEEP, bidirectional=True)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await socket.send(media(1))
            (message,) = await heard(socket)
            assert ("playAudio", "audio/pcmu") == (
                message["eventType"],
                message["media"]["contentType"],
            )
            payload = base64.b64decode(message["media"]["payload"])
            assert codecs.encode(beep(8000), "PCMU") == payload
            call = Spoken(desk, rig, Speaker(socket))
            await until(lambda: call.recording.beep_played)
            for kind in (CommandKind.PAUSE, CommandKind.RESUME):
                await call.command(kind)
                await asyncio.sleep(0.01)
            assert [] == await heard(socket)
            assert "beep_played" in [
                event.event for event in desk.core.history.events(call.recording.recording_id)
            ]
            await socket.send(STOP)

    run(scenario)


def test_a_stream_that_leads_one_way_is_sent_nothing() -> None:
    """The rendition will have the beep."""

    async def scenario() -> None:
        desk, rig = office(record_call=BEEP)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await socket.send(media(1))
            assert [] == await heard(socket)
            await socket.send(STOP)
            await until(lambda: not rig.sink.call_registry.calls)
        (recording,) = desk.core.store.recordings.values()
        assert not recording.beep_played

    run(scenario)


def test_a_tap_takes_nothing_back() -> None:
    """Its dialect has no message for it, whatever the profile says."""

    async def scenario() -> None:
        desk, rig = office(record_call=BEEP, dialect="signalwire-tap", bidirectional=True)
        async with rig.running(), rig.tap() as socket:
            await socket.send(bytes(160))
            await until(lambda: desk.core.store.recordings)
            assert [] == await heard(socket)

    run(scenario)


def test_nobody_beeps_who_wasn_t_asked() -> None:
    """A stream that leads both ways is sent nothing without `beep`."""

    async def scenario() -> None:
        _, rig = office(bidirectional=True)
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await socket.send(media(1))
            assert [] == await heard(socket)

    run(scenario)


def test_a_stream_that_comes_back_beeps_no_more() -> None:
    """The recording has had its beep; the worker that had it first is another."""

    async def scenario() -> None:
        _, rig = office(record_call=BEEP, bidirectional=True)
        async with rig.running():
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send(media(1))
                assert 1 == len(await heard(socket))
            async with rig.bandwidth() as socket:
                await socket.send(start(stream_id="s-2"))
                await socket.send(media(1))
                assert [] == await heard(socket)
                await socket.send(STOP)
            await until(lambda: not rig.sink.call_registry.calls)

    run(scenario)
