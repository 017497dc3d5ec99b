"""One Tapedeck taps into another: what the first one captured is what the second one captures."""

from __future__ import annotations

import asyncio

import pytest

from chalicelib.capture.events import Track
from chalicelib.media import codecs
from chalicelib.media.pcm import mix
from chalicelib.recording import keys
from chalicelib.recording.commands import CommandKind
from chalicelib.tapping.model import Tap
from tests.sink.pair import CALL_KEY, pair
from tests.sink.rig import Rig, frame, run, token, until
from tests.sink.rtp_rig import opened, rtp_rig
from tests.sink.tap_rig import SILENCE, Stage, listening, stage

pytestmark = pytest.mark.paced

FRAMES = 75


def said(numbers: list[int]) -> bytes:
    return b"".join(map(frame, numbers))


def sounding(audio: bytes) -> bytes:
    """Return what isn't silence: a tap is silent before its call speaks and after it."""
    return audio.replace(SILENCE, b"")


async def talk_into(on: Stage, other: Rig, *tracks: str) -> None:
    """Say something, and return when the other one has stored it."""
    await on.talk(FRAMES, *tracks)
    await asyncio.sleep(0.3)
    for tap in list(on.taps.rows.values()):
        await on.stop_tap(tap.control_id)
    await until(lambda: other.control.closed)


def test_by_websocket_both_tracks_arrive_sample_for_sample() -> None:
    """Two taps are two streams of one call there, each with all that was said, in one piece."""

    async def scenario() -> None:
        other = Rig()
        async with other.running(), stage() as on:
            for way in ("speak", "listen"):
                path = f"/signalwire-tap/{token()}/c-9/{way}"
                uri = f"ws://127.0.0.1:{other.port}{path}"
                row = await on.tap(uri, way, direction=way)
                assert row is not None
            await talk_into(on, other, "inbound", "outbound")
        assert ["signalwire-tap"] * 2 == [one.dialect for one in other.control.joinings]
        for track in (Track.INBOUND, Track.OUTBOUND):
            captured = on.rig.stored("segments/", track)
            assert said(on.said) == captured
            assert sounding(captured) == sounding(other.stored("segments/", track))

    run(scenario)


def test_by_rtp_it_arrives_sample_for_sample() -> None:
    """Nothing lost, nothing doubled, nothing out of order."""

    async def scenario() -> None:
        other = rtp_rig()
        async with other.running(), stage() as on:
            claim = await opened(other)
            await on.tap(f"rtp://{claim.host}:{claim.port}", "speak")
            await talk_into(on, other)
        captured = on.rig.stored("segments/")
        assert said(on.said) == captured
        assert sounding(captured) == sounding(other.stored("segments/"))

    run(scenario)


def test_by_rtp_in_the_other_law_it_arrives_converted() -> None:
    """Payload type 8, each sample as the codec's own table has it."""

    async def scenario() -> None:
        other = rtp_rig()
        async with other.running(), stage() as on:
            claim = await opened(other)
            await on.tap(f"rtp://{claim.host}:{claim.port}", "speak", codec="PCMA", rtp_ptime=60)
            await talk_into(on, other)
        wanted = codecs.convert(on.rig.stored("segments/"), "PCMU", "PCMA")
        assert wanted == other.stored("segments/").replace(b"\xd5", b"")

    run(scenario)


def test_of_a_call_on_two_workers_both_sides_are_tapped() -> None:
    """The owner hears what the other worker passes on."""

    async def scenario() -> None:
        other = Rig()
        async with other.running(), pair() as two:
            inbound, outbound = await two.both()
            uri = f"ws://127.0.0.1:{other.port}/signalwire-tap/{token()}/c-9/both"
            asked = {"uri": uri, "control_id": "t", "direction": "both"}
            await two.command(CommandKind.TAP, "w-1", recording_id=_TAP_ID, tap=asked)
            await asyncio.gather(inbound.say([7] * FRAMES), outbound.say([9] * FRAMES))
            await asyncio.sleep(0.3)
            await inbound.stop()
            await outbound.stop()
            await until(lambda: other.control.closed)
            (tap,) = two.desk.core.taps.of_call(CALL_KEY)
            assert _ended(tap)
        one, two_ = (codecs.decode(frame(number), "PCMU") for number in (7, 9))
        heard = other.stored("segments/", Track.MIXED)
        assert codecs.encode(mix(one, two_), "PCMU") * 20 in heard

    run(scenario)


def test_when_the_owner_dies_the_next_one_taps_on() -> None:
    """The listener is called again, and hears what is said from then on; its tap never ended."""

    async def scenario() -> None:
        async with listening() as listener, pair() as two:
            _, outbound = await two.both()
            asked = {"uri": listener.uri, "control_id": "t", "direction": "listen"}
            await two.command(CommandKind.TAP, "w-1", recording_id=_TAP_ID, tap=asked)
            await outbound.say(range(100, 130))
            await two.near.die()
            await until(lambda: len(listener.connections) == 2, 10)
            (tap,) = two.desk.core.taps.of_call(CALL_KEY)
            await outbound.say(range(130, 160))
            await until(lambda: said([159]) in listener.heard)
            await two.command(CommandKind.STOP_TAP, "w-2", recording_id=_TAP_ID)
            (ended,) = two.desk.core.taps.of_call(CALL_KEY)
            await outbound.stop()
            await until(lambda: not two.far.sink.call_registry.calls, 30)
        assert said(list(range(135, 160))) in listener.heard
        assert ("w-2", "stop") == (ended.worker, ended.reason)
        rows = two.desk.core.outbox.rows(tap.tap_id)
        assert ["tapping", "finished"] == [row.state for row in rows]

    run(scenario)


_TAP_ID = keys.tap_id(CALL_KEY, "t")


def _ended(tap: Tap) -> bool:
    return tap.reason == "call_closed" and tap.ended_at is not None
