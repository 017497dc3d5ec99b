"""What a worker says of its journal: which objects may go, and what is in the journal alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from chalicelib.capture import container
from chalicelib.recording.model import CallRef, Ending
from chalicelib.sink.call_registry import CallRegistry
from chalicelib.sink.calls.worker_context import WorkerContext
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.storage.spool import STORE
from tests.sink.fakes import FakeControl
from tests.sink.rig import QUICK, STOP, Rig, media, run, start, until
from tests.sink.storage.test_call_buffer import Bench, PartlyAway, part
from tests.sink.storage.test_journal import batch


def a_registry(bench: Bench) -> CallRegistry:
    """Return a registry without calls on a bench's journal."""
    nobody = cast(Any, None)
    worker = WorkerContext(
        name="w",
        limits=QUICK,
        health=Health(),
        database=nobody,
        call_control=nobody,
        live_recordings=nobody,
        journal=bench.journal,
        segments=bench.segments,
        forwarding_client=nobody,
        senders=nobody,
    )
    return CallRegistry(worker)


def test_what_waits_for_the_store_is_in_the_journal_meanwhile() -> None:
    """A segment that is made and not stored dies with its worker: its cuts are journaled as if
    there were none."""

    async def scenario() -> None:
        bench = Bench(store=PartlyAway(away="segments/"))
        bench.media.hold(batch(part(1)))
        await bench.media.seal()
        bench.journal.commit()
        await until(lambda: bench.store.objects)
        (read,) = bench.stored("journal/")
        assert [part(1)] == [record.payload for record in read.records]
        await bench.close()

    run(scenario)


def test_an_object_stays_while_a_segment_is_open() -> None:
    """It holds the first cut of the call that no segment has."""

    async def scenario() -> None:
        bench = Bench()
        bench.hold(part(1))
        bench.hold(part(2))
        assert (2, 0) == (bench.journal.next_number, bench.media.safe_below(2))
        await bench.media.store()
        assert 2 == bench.media.safe_below(2)
        await bench.close()

    run(scenario)


def test_the_next_object_stays_while_a_cut_waits_for_it() -> None:
    """What was received since the last commit will be in the object that is sealed next."""

    async def scenario() -> None:
        bench = Bench()
        bench.hold(part(1))
        await bench.media.store()
        bench.media.hold(batch(part(2)))
        assert (1, 1) == (bench.journal.next_number, bench.media.safe_below(1))
        await bench.close()

    run(scenario)


def test_an_object_that_comes_after_its_segment_was_made_stays() -> None:
    """The segment waits for the store and dies with its worker: only the object outlives that."""

    async def scenario() -> None:
        bench = Bench(store=PartlyAway(away="segments/"))
        bench.media.hold(batch(part(1)))
        await bench.media.seal()
        assert 0 == bench.media.safe_below(0)
        bench.journal.commit()
        assert (1, 0) == (bench.journal.next_number, bench.media.safe_below(1))
        await bench.close()

    run(scenario)


def test_the_first_segment_that_had_no_room_counts() -> None:
    """A later one that has none either makes no object before it needless."""

    async def scenario() -> None:
        limits = replace(QUICK, held_bytes=700)
        bench = Bench(None, limits, PartlyAway(away="segments/"))
        bench.health.degrade(STORE, "slow_down")
        for body in (part(0), part(1) * 60, part(2) * 60):
            bench.hold(body)
            await bench.media.seal()
        bench.store.away = ""
        await bench.media.store()
        assert [[part(0)], [], []] == bench.payloads()
        assert [0, 0, 0] == [read.journal_through for read in bench.stored()]
        await bench.close()

    run(scenario)


def test_what_no_segment_will_ever_hold_stays() -> None:
    """A worker without calls lets all of its journal go, but for what segments had no room for."""

    async def scenario() -> None:
        bench = Bench()
        bench.hold(part(1))
        bench.hold(part(2))
        registry = a_registry(bench)
        assert 2 == registry.safe_below()
        bench.journal.keep_from(1)
        assert 1 == registry.safe_below()
        bench.journal.keep_from(0)
        bench.journal.keep_from(1)
        assert 0 == registry.safe_below()
        await bench.close()

    run(scenario)


def test_the_call_that_is_furthest_behind_counts() -> None:
    """An object mixes calls: it goes when no call needs it."""

    async def scenario() -> None:
        store = PartlyAway(away="segments/")
        async with Rig(store=store).running() as rig:
            first = await rig.open("c-1")
            await first.send(media(0))
            await until(lambda: numbers(rig, "main/bandwidth/c-1"))
            second = await rig.open("c-2")
            await second.send(media(1))
            await until(lambda: numbers(rig, "main/bandwidth/c-2"))
            needed = numbers(rig, "main/bandwidth/c-1")
            assert needed < numbers(rig, "main/bandwidth/c-2")
            assert needed == [rig.sink.call_registry.safe_below()]
            store.away = ""
            await first.close()
            await second.close()

    run(scenario)


def numbers(rig: Rig, call_key: str) -> list[int]:
    """Return the numbers of the journal objects that hold media of a call."""
    return [
        int(key.rpartition("/")[2])
        for key in rig.store.keys("journal/")
        if call_key in {head.call_key for head in container.decode(rig.store.objects[key]).heads}
    ]


@dataclass
class Noting(FakeControl):
    """A database that notes whether all of a stream's media is said to lie in segments."""

    whole: list[bool] = field(default_factory=list)

    def end_stream(
        self,
        call: CallRef,
        stream_key: str,
        ending: Ending,
        at: datetime,
        *,
        in_segments: bool = True,
        segments: tuple[int, int] | None = None,
        reason: str = "",
    ) -> Ending:
        """Note how a stream ended."""
        self.whole.append(in_segments)
        return super().end_stream(call, stream_key, ending, at)


def test_a_stream_of_which_the_journal_alone_has_some_is_not_whole() -> None:
    """Its recording is read from both: a segment that found no room is missing in between."""

    async def scenario() -> None:
        limits = replace(QUICK, segment_every_s=0.1, held_bytes=3000)
        control, store = Noting(), PartlyAway(away="segments/")
        async with Rig(control=control, store=store, limits=limits).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                for number in range(40):
                    await socket.send(media(number))
                    await asyncio.sleep(0.02)
                store.away = ""
                await socket.send(STOP)
            await until(lambda: rig.control.closed)
        assert [False] == control.whole

    run(scenario)


def test_a_stream_that_segments_have_is_whole() -> None:
    """The journal isn't read for it."""

    async def scenario() -> None:
        control = Noting()
        async with Rig(control=control).running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                await socket.send(media(0))
                await socket.send(STOP)
            await until(lambda: rig.control.closed)
        assert [True] == control.whole

    run(scenario)
