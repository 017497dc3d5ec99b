"""Streams of one call whose joinings are answered late, out of order, or not at all."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

from chalicelib.capture.events import Track
from chalicelib.errors import TapedeckError
from chalicelib.ports.values import JoinRequest, JoinResult
from chalicelib.recording.model import RecordOptions
from tests.sink.fakes import FakeControl, SlowStore
from tests.sink.rig import QUICK, Rig, frame, run, until

SPEAK, LISTEN = "c-1/speak", "c-1/listen"
TAPPED = "segments/main/signalwire/c-1/"
LONG_S = 1.5
"""what an answer takes that another one overtakes: a stream waits half a second for its turn"""


def sent(*numbers: int) -> bytes:
    """Return the payload of these messages."""
    return b"".join(map(frame, numbers))


@dataclass
class Choosy(FakeControl):
    """Knows of a recording only when some of the streams ask; some answers take their time."""

    wanted_by: set[str] = field(default_factory=set)
    """carrier's ids of streams"""
    delays_s: dict[str, float] = field(default_factory=dict)

    def join_call(self, joining: JoinRequest) -> JoinResult:
        """Put the stream under its call."""
        joined = super().join_call(joining)
        time.sleep(self.delays_s.get(joining.carrier_stream_id, 0.0))
        if joining.carrier_stream_id in self.wanted_by:
            return joined
        return replace(joined, recordings=())


def test_a_stream_nobody_wants_costs_no_head_of_one_that_waits() -> None:
    """What a stream sends before its own answer is kept, whatever another stream was told."""

    async def scenario() -> None:
        control = Choosy(wanted_by={LISTEN}, delays_s={LISTEN: LONG_S})
        limits = replace(QUICK, alone_after_s=5.0)
        async with Rig(control=control, limits=limits).running() as rig:
            async with rig.tap(direction="listen") as listen:
                await listen.send(frame(1))
                async with rig.tap(direction="speak"):
                    await until(lambda: len(rig.control.joinings) == 2)
                    await asyncio.sleep(0.1)
                    await listen.send(frame(2))
            await until(lambda: rig.control.closed)
            assert sent(1, 2) == rig.stored(TAPPED, Track.OUTBOUND)

    run(scenario)


def test_what_is_captured_alone_waits_for_its_own_answer() -> None:
    """Media that is in the journal isn't discarded because another stream needs none."""

    async def scenario() -> None:
        control = Choosy(wanted_by={LISTEN}, delays_s={LISTEN: LONG_S})
        async with Rig(control=control).running() as rig:
            async with rig.tap(direction="listen") as listen:
                await listen.send(frame(1))
                await until(lambda: rig.store.objects)
                async with rig.tap(direction="speak"):
                    await until(lambda: len(rig.control.joinings) == 2)
                    await asyncio.sleep(0.1)
            await until(lambda: rig.control.closed)
            assert sent(1) == rig.stored(TAPPED, Track.OUTBOUND)

    run(scenario)


def test_an_answer_that_was_overtaken_ends_no_capture() -> None:
    """What an early stream was told, before there was a recording, doesn't undo what is known."""

    async def scenario() -> None:
        control = Choosy(wanted_by={LISTEN}, delays_s={SPEAK: LONG_S})
        limits = replace(QUICK, alone_after_s=5.0)
        async with Rig(control=control, limits=limits).running() as rig:
            async with rig.tap(direction="speak") as speak:
                await until(lambda: len(rig.control.joinings) == 1)
                async with rig.tap(direction="listen") as listen:
                    await listen.send(frame(1))
                    await speak.send(frame(2))
                    await asyncio.sleep(1.6)
                    await listen.send(frame(3))
            await until(lambda: rig.control.closed)
            assert sent(1, 3) == rig.stored(TAPPED, Track.OUTBOUND)
            assert sent(2) == rig.stored(TAPPED)

    run(scenario)


def test_an_answer_that_makes_no_sense_is_asked_for_again() -> None:
    """A write that our own mistake spoils neither loses the stream nor lets its call be forgotten:
    the worker is degraded, and asks again."""

    async def scenario() -> None:
        control = FakeControl(refusal=TapedeckError("a request that can't be right"))
        async with Rig(control=control).running() as rig:
            async with rig.tap() as speak:
                await speak.send(frame(1))
                await until(lambda: "database" in rig.sink.health.degraded)
                await until(lambda: rig.store.objects)
                rig.control.refusal = None
            await until(lambda: rig.control.closed)
            assert sent(1) == rig.stored(TAPPED)

    run(scenario)


@dataclass
class SpoiledStore(SlowStore):
    """A media bucket whose first segment fails with an unexpected error."""

    spoils: int = 1

    def put(self, key: str, body: bytes) -> None:
        """Store, or fail."""
        if key.startswith("segments/") and self.spoils:
            self.spoils -= 1
            raise ZeroDivisionError
        super().put(key, body)


def test_a_segment_that_failed_is_stored_with_the_next() -> None:
    """No later segment claims to cover what isn't stored, and no stream is complete without it."""

    async def scenario() -> None:
        limits = replace(QUICK, segment_every_s=0.2)
        async with Rig(limits=limits, store=SpoiledStore()).running() as rig:
            async with rig.tap() as speak:
                await speak.send(frame(1))
                await until(lambda: rig.store.spoils == 0)  # type: ignore[attr-defined]  # above
                assert 0 == rig.sink.call_registry.safe_below()
                await speak.send(frame(2))
            await until(lambda: rig.control.closed)
            assert sent(1, 2) == rig.stored(TAPPED)

    run(scenario)


def test_a_recording_of_full_length_waits_for_the_stream_that_stalls() -> None:
    """Both taps of a call must have had its length, or 2 s for it: one may be late."""

    async def scenario() -> None:
        control = FakeControl(options=RecordOptions(max_length_s=0.1))
        async with (
            Rig(control=control).running() as rig,
            rig.tap(direction="speak") as speak,
            rig.tap(direction="listen") as listen,
        ):
            await listen.send(frame(0))
            for number in range(6):
                await speak.send(frame(number))
            await asyncio.sleep(0.4)
            assert [] == rig.control.ended_recordings
            for number in range(1, 6):
                await listen.send(frame(number))
            await until(lambda: rig.control.ended_recordings, 1.5)
            assert sent(*range(6)) == rig.stored(TAPPED, Track.OUTBOUND)

    run(scenario)


def test_a_recording_of_full_length_waits_for_other_workers() -> None:
    """What another worker holds of the call is in its journal before the recording is assembled."""

    async def scenario() -> None:
        control = FakeControl(options=RecordOptions(max_length_s=0.1))
        limits = replace(QUICK, other_workers_s=0.5)
        async with Rig(control=control, limits=limits).running() as rig, rig.tap() as speak:
            for number in range(6):
                await speak.send(frame(number))
            await until(lambda: sent(*range(6)) == rig.stored(TAPPED))
            await asyncio.sleep(0.3)
            assert [] == rig.control.ended_recordings
            await until(lambda: rig.control.ended_recordings, 1.5)

    run(scenario)
