"""A call whose next segment waits for room while the store takes its earlier ones."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from chalicelib.sink.runtime.health import Health
from chalicelib.sink.storage.call_buffer import CallBuffer
from chalicelib.sink.storage.journal import Journal
from chalicelib.sink.storage.segment_store import SegmentStore
from chalicelib.sink.storage.spool import Spool
from tests.sink.fakes import SlowStore
from tests.sink.rig import QUICK, run, until
from tests.sink.storage.test_journal import GatedStore, batch

SMALL, LARGE = 10_000, 20_000
LIMITS = replace(QUICK, held_bytes=25_000)
"""two small segments fit, or a large one alone"""


@dataclass
class Bench:
    """A call on a worker that has no disk, and whose store takes segments once a gate is open."""

    store: GatedStore = field(default_factory=GatedStore)
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        self.spool = Spool(None, self.health, LIMITS)
        self.segments = SegmentStore("w", self.store, self.spool, self.health, LIMITS)
        self.journal = Journal("w", SlowStore(), self.health, LIMITS)
        self.media = CallBuffer("main/bandwidth/c-1", self.journal, self.segments, self.health)

    async def is_full(self) -> None:
        """Return when a segment waits for room."""
        await until(lambda: "spool: full" == self.health.degraded)

    async def end(self, *tasks: asyncio.Task[None]) -> int:
        """Return how many of these tasks get stuck; end all."""
        _, stuck = await asyncio.wait(tasks, timeout=5)
        for task in stuck:
            task.cancel()
        await self.journal.close()
        self.segments.close()
        return len(stuck)


def test_a_segment_that_waits_for_room_does_not_hold_up_those_that_have_it() -> None:
    """The room that a large segment waits for is that of two earlier ones of its own call: both are
    stored meanwhile, and then the large one."""

    async def scenario() -> None:
        bench = Bench()
        bench.media.hold(batch(b"a" * SMALL))
        first = asyncio.create_task(bench.media.store())
        await until(lambda: bench.store.at_once)
        bench.media.hold(batch(b"b" * SMALL, first_sample=SMALL))
        await bench.media.seal()
        bench.media.hold(batch(b"c" * LARGE, first_sample=2 * SMALL))
        last = asyncio.create_task(bench.media.store())
        await bench.is_full()
        bench.store.gate.set()
        assert 0 == await bench.end(first, last)
        assert (3, 0) == (len(bench.store.objects), bench.segments.waiting_bytes)

    run(scenario)


def test_a_segment_is_stored_as_soon_as_it_has_room_whoever_encodes_the_next() -> None:
    """A task that seals several segments lets the one that stores see each of them."""

    async def scenario() -> None:
        bench = Bench()
        bench.store.gate.set()
        others = bench.spool.keep_small(bytes(LIMITS.held_bytes))
        tasks = []
        for number, size in enumerate((SMALL, LARGE)):
            bench.media.hold(batch(b"a" * size, first_sample=number * SMALL))
            tasks.append(asyncio.create_task(bench.media.seal()))
            await bench.is_full()
        tasks.append(asyncio.create_task(bench.media.store()))
        await asyncio.sleep(0)
        bench.spool.let_go(others)
        assert 0 == await bench.end(*tasks)
        assert (2, 0) == (len(bench.store.objects), bench.segments.waiting_bytes)

    run(scenario)
