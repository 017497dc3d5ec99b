"""Outgoing taps of a live call, with real sockets at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest

from chalicelib.media import codecs
from chalicelib.media.pcm import mix
from chalicelib.recording import keys
from chalicelib.recording.commands import CommandKind
from chalicelib.recording.model import Ending
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest, TapState
from tests.sink.fakes import FakeControl, FakeLiveTaps
from tests.sink.rig import QUICK, STOP, Rig, run, start, until
from tests.sink.tap_rig import (
    CALL_KEY,
    Stage,
    free_tcp_port,
    listening,
    receiving,
    said,
    spoken,
    stage,
)

pytestmark = pytest.mark.paced


def test_a_websocket_gets_what_was_said() -> None:
    """Bare codec bytes in binary messages of 20 ms, sample for sample; a stop closes it."""

    async def scenario() -> None:
        async with listening() as listener, stage() as on:
            row = await on.tap(listener.uri)
            assert row is not None
            assert (TapState.TAPPING, "w-1") == (row.state, row.worker)
            await on.talk(50)
            await until(lambda: said(on.said) == listener.heard)
            ended = await on.stop_tap()
            await until(lambda: listener.closed)
        assert {160} == {len(message) for message in listener.messages}
        assert ["/audio?a=b"] == listener.paths
        assert [f"127.0.0.1:{listener.port}"] == listener.hosts
        assert [1000] == listener.closed
        assert (TapState.FINISHED, "stop") == (ended.state, ended.reason)
        assert ended.quality is not None
        assert len(listener.messages) == ended.quality.messages_sent
        assert (0, 0, 0) == (
            ended.quality.messages_dropped,
            ended.quality.messages_late,
            ended.quality.skipped_ms,
        )

    run(scenario)


def test_rtp_gets_what_was_said() -> None:
    """One SSRC; sequence and timestamp go on by one and by a ptime; the first packet is marked."""

    async def scenario() -> None:
        async with receiving() as receiver, stage() as on:
            row = await on.tap(receiver.uri, rtp_ptime=30)
            assert row is not None
            await on.talk(60)
            await until(lambda: said(on.said) in receiver.heard)
            await on.stop_tap()
        packets = receiver.packets
        assert {(row.source_address, row.source_port)} == receiver.sources
        assert 1 == len({packet.ssrc for packet in packets})
        assert {0} == {packet.payload_type for packet in packets}
        assert {240} == {len(packet.payload) for packet in packets}
        assert packets[0].marker
        for one, other in pairwise(packets):
            assert 1 == (other.sequence - one.sequence) & 0xFFFF
            step = (other.timestamp - one.timestamp) & 0xFFFF_FFFF
            assert (240 == step) is not other.marker

    run(scenario)


def test_what_nobody_says_is_not_sent_by_rtp() -> None:
    """After half a second of silence the timestamp has gone on, and the packet is marked."""

    async def scenario() -> None:
        async with receiving() as receiver, stage() as on:
            await on.tap(receiver.uri)
            await on.talk(20)
            await asyncio.sleep(0.5)
            before = len(receiver.packets)
            await on.talk(20)
            await until(lambda: said(on.said) == receiver.heard.replace(b"\xff", b""))
        first = receiver.packets[before]
        gap = (first.timestamp - receiver.packets[before - 1].timestamp) & 0xFFFF_FFFF
        assert first.marker
        assert 0 == gap % 160
        assert 0.3 < gap / 8000 < 2.0

    run(scenario)


def test_the_beginnings_of_rtp_are_random() -> None:
    """Two taps share neither SSRC, nor sequence, nor timestamp."""

    async def scenario() -> None:
        async with receiving() as one, receiving() as other, stage() as on:
            await on.tap(one.uri, "a")
            await on.tap(other.uri, "b")
            async with on.talking():
                await until(lambda: one.packets and other.packets)
        first, second = one.packets[0], other.packets[0]
        assert first.ssrc != second.ssrc
        assert first.timestamp != second.timestamp
        assert first.sequence != second.sequence

    run(scenario)


def test_taps_of_one_call_have_each_their_own_options() -> None:
    """Another codec, another direction, another way: at once."""

    async def scenario() -> None:
        async with listening() as ws, receiving() as rtp, listening() as sum_, stage() as on:
            await on.tap(ws.uri, "a", codec="PCMA", direction="listen")
            await on.tap(rtp.uri, "b", codec="PCMA")
            await on.tap(sum_.uri, "c", direction="both")
            assert 3 == on.rig.sink.call_registry.taps
            await on.talk(40, "inbound", "outbound")
            audio = spoken(on.said)
            alaw = codecs.convert(audio, "PCMU", "PCMA")
            pcm = codecs.decode(audio, "PCMU")
            both = codecs.encode(mix(pcm, pcm), "PCMU")
            everything = lambda listener: b"".join(listener.messages)  # noqa: E731  # a word
            await until(lambda: alaw in everything(ws))
            await until(lambda: alaw in rtp.heard)
            await until(lambda: both in everything(sum_))
            assert {8} == {packet.payload_type for packet in rtp.packets}
        assert 0 == on.rig.sink.call_registry.taps

    run(scenario)


def test_a_tap_goes_on_while_nobody_records() -> None:
    """What is said is kept nowhere, and heard."""

    async def scenario() -> None:
        async with listening() as listener, stage(control=FakeControl(options=None)) as on:
            await on.tap(listener.uri)
            await on.talk(20)
            await until(lambda: said(on.said) == listener.heard)
        assert {} == on.rig.store.objects

    run(scenario)


def test_the_end_of_a_call_is_heard_to_its_end() -> None:
    """What waits for its time when the carrier stops is sent; then the tap is finished."""

    async def scenario() -> None:
        async with listening() as listener, stage() as on:
            await on.tap(listener.uri)
            await on.talk(30)
        row = on.row()
        assert said(on.said) == listener.heard
        assert (TapState.FINISHED, "call_closed") == (row.state, row.reason)
        assert row.quality is not None
        assert row.quality.messages_sent == len(listener.messages)

    run(scenario)


def test_a_call_has_taps_enough_at_some_number() -> None:
    """One more is refused, the others go on."""

    async def scenario() -> None:
        async with receiving() as receiver, stage(limits=replace(QUICK, taps_per_call=2)) as on:
            states = [await on.tap(receiver.uri, control_id) for control_id in "abc"]
            assert ["", "", "too_many_taps"] == [row.reason for row in states if row]

    run(scenario)


def test_the_same_command_twice_is_one_tap() -> None:
    """Both wait for the same row."""

    async def scenario() -> None:
        async with listening() as listener, stage() as on:
            await asyncio.gather(*(on.tap(listener.uri) for _ in range(3)))
            assert 1 == len(listener.connections)
            await on.command(CommandKind.STOP_TAP, "nobody")

    run(scenario)


class Looking(FakeLiveTaps):
    """Rows of taps, and how many taps listened when one was written."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Callable[[], int] = lambda: 0
        self.listening: list[int] = []

    def begin(self, request: TapRequest, source_address: str, source_port: int) -> Tap:
        """Note a tap that sends."""
        self.listening.append(self.count())
        return super().begin(request, source_address, source_port)

    def end(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime) -> Tap:
        """Note a tap's end."""
        self.listening.append(self.count())
        return super().end(tap, cause, reason, quality, at)


def test_a_row_says_what_is_so() -> None:
    """A tap listens before its row says that it does, and is silent before its row says that."""

    async def scenario() -> None:
        taps = Looking()
        async with listening() as listener, stage(taps=taps) as on:
            taps.count = lambda: on.rig.sink.call_registry.taps
            await on.tap(listener.uri)
            await on.stop_tap()
        assert [1, 0] == taps.listening

    run(scenario)


def test_a_row_of_another_worker_is_left_to_it() -> None:
    """A tap that another worker has, or that has ended, is not sent twice."""

    async def scenario() -> None:
        async with listening() as listener, stage() as on:
            row = await on.tap(listener.uri)
            assert row is not None
            await on.stop_tap()
            await on.tap(listener.uri)
            await until(lambda: [1000, 1000] == listener.closed)
            assert "stop" == on.row().reason

    run(scenario)


def test_a_refused_property_makes_no_tap() -> None:
    """The API reads it first; a worker that reads otherwise leaves it."""

    async def scenario() -> None:
        async with stage() as on:
            assert await on.tap("rtp://127.0.0.1:5004", rtp_ptime=25) is None

    run(scenario)


def test_a_stop_of_the_worker_ends_its_taps() -> None:
    """With their calls, and what was heard is sent before."""

    async def scenario() -> None:
        async with listening() as listener:
            async with stage() as on:
                await on.tap(listener.uri)
                await on.talk(10)
                on.rig.sink.stop()
            assert TapState.FINISHED is on.row().state
            assert said(on.said) == listener.heard
            await until(lambda: listener.closed)

    run(scenario)


def test_a_tap_that_nobody_sends_is_stopped_in_its_row() -> None:
    """Its worker died, and this one never sent it."""

    async def scenario() -> None:
        async with receiving() as receiver, stage() as on:
            row = await on.tap(receiver.uri)
            assert row is not None
            left = replace(row, tap_id=keys.tap_id(CALL_KEY, "left"), worker="w-0")
            on.taps.rows[left.tap_id] = left
            assert TapState.FINISHED is (await on.stop_tap("left")).state
            assert TapState.TAPPING is on.row().state

    run(scenario)


def test_a_tap_that_can_not_be_taken_over_is_finished() -> None:
    """Its destination is gone, too."""

    async def scenario() -> None:
        async with receiving() as receiver, stage() as on:
            row = await on.tap(receiver.uri)
            assert row is not None
            options = replace(row.options, uri=f"ws://127.0.0.1:{free_tcp_port()}/")
            left = replace(row, tap_id=keys.tap_id(CALL_KEY, "left"), control_id="left")
            on.taps.rows[left.tap_id] = left = replace(left, options=options, worker="w-0")
            on.rig.control.left = (left, row)
            async with on.rig.bandwidth() as line:
                await line.send(start(stream_id="s-2"))
                await until(lambda: on.row("left").state is TapState.FINISHED)
                await line.send(STOP)
            assert "unreachable" == on.row("left").reason
            assert "w-1" == on.row().worker

    run(scenario)


def test_a_worker_that_is_cut_off_leaves_its_taps_to_the_sweeper() -> None:
    """It closes its sockets; the rows are for others to end."""

    async def scenario() -> None:
        async with listening() as listener:
            rig = Rig(limits=replace(QUICK, stop_within_s=0.2))
            rig.control.graces_s[Ending.BROKEN] = 30.0
            async with rig.running(), rig.bandwidth() as line:
                await line.send(start())
                await until(lambda: rig.control.joinings)
                on = Stage(rig, line)
                await on.tap(listener.uri)
                line.transport.abort()
            await until(lambda: listener.closed)
            assert TapState.TAPPING is on.row().state

    run(scenario)
