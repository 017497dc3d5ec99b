"""The failure detector: what it starts for silent and for dead workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from chalicelib.errors import Unavailable
from chalicelib.ports.values import Lease
from chalicelib.sink.cluster.failure_detector import FailureDetector
from chalicelib.sink.cluster.takeover import Takeover
from chalicelib.sink.runtime.health import Health
from tests.fakes import FakeWorkflows
from tests.samples import a_lease
from tests.sink.rig import QUICK, run, until

OFTEN = replace(
    QUICK,
    detector_every_s=0.01,
    detector_silent_s=0.1,
    detector_dead_s=0.2,
    detector_jitter_s=0.05,
    detector_late_s=0.4,
    detector_blind_s=0.2,
)


@dataclass
class World:
    """The port Leases for a detector; workers renew whenever their leases are read."""

    silent: dict[str, Lease] = field(default_factory=dict)
    living: set[str] = field(default_factory=lambda: {"w-living"})
    is_away: bool = False
    reads: int = 0
    read_s: float = 0
    """what a read takes"""
    workflows: FakeWorkflows = field(default_factory=FakeWorkflows)
    declared_dead: list[str] = field(default_factory=list)
    refusals: int = 0
    """burials that fail"""

    async def take_over(self, lease: Lease) -> None:
        """Declare a worker dead, as the takeover does."""
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("the database is away")
        self.declared_dead.append(lease.worker)
        self.silent[lease.worker] = replace(lease, over=True)

    def all(self) -> list[Lease]:
        """Return every lease."""
        self.reads += 1
        time.sleep(self.read_s)
        if self.is_away:
            raise Unavailable("the database is away")
        living = [a_lease(worker=name, renewals=self.reads) for name in sorted(self.living)]
        return [*living, *self.silent.values()]

    def die(self, worker: str, renewals: int = 5) -> None:
        """Let a worker renew no more."""
        self.silent[worker] = a_lease(worker=worker, renewals=renewals)


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[FailureDetector]:
    takeover = cast(Takeover, world)
    failure_detector = FailureDetector("w-me", world, world.workflows, takeover, Health(), OFTEN)  # type: ignore[arg-type]  # of the port only `all` is asked
    task = asyncio.create_task(failure_detector.keep())
    try:
        yield failure_detector
    finally:
        task.cancel()
        failure_detector.close()


def test_a_silent_worker_s_calls_are_tapped_again_once() -> None:
    """However long it stays silent; renewing workers, and the detector's own, are left alone."""

    async def scenario() -> None:
        world = World()
        world.die("w-dead")
        world.die("w-me")
        async with watching(world):
            await until(lambda: world.workflows.retaps != [])
            seen = world.reads
            await until(lambda: world.reads > seen + 20)
        assert [("w-dead", 5)] == world.workflows.retaps

    run(scenario)


def test_one_that_is_silent_for_longer_is_dead() -> None:
    """It is declared dead once, after its calls were tapped again; a failure is retried."""

    async def scenario() -> None:
        world = World(refusals=2)
        world.die("w-dead")
        world.die("w-me")
        async with watching(world):
            await until(lambda: world.declared_dead != [])
            assert [("w-dead", 5)] == world.workflows.retaps
            seen = world.reads
            await until(lambda: world.reads > seen + 30)
        assert ["w-dead"] == world.declared_dead

    run(scenario)


def test_one_that_was_over_is_nobody_s_concern() -> None:
    """It released its lease, or was declared dead."""

    async def scenario() -> None:
        world = World()
        world.silent["w-over"] = a_lease(worker="w-over", over=True)
        async with watching(world):
            await until(lambda: world.reads > 30)
        assert [] == world.workflows.retaps

    run(scenario)


def test_one_that_slept_and_dies_later_is_seen_again() -> None:
    """Its renewals have grown meanwhile: another death by another name."""

    async def scenario() -> None:
        world = World()
        world.die("w-dead")
        async with watching(world):
            await until(lambda: len(world.workflows.retaps) == 1)
            world.die("w-dead", renewals=6)
            await until(lambda: len(world.workflows.retaps) == 2)
        assert [("w-dead", 5), ("w-dead", 6)] == world.workflows.retaps

    run(scenario)


def test_who_couldn_t_read_knows_of_nobody_s_silence() -> None:
    """After an outage the others have time to renew: their writes may have hung as well."""

    async def scenario() -> None:
        world = World()
        world.die("w-dead")
        loop = asyncio.get_running_loop()
        async with watching(world):
            world.is_away = True
            seen = world.reads
            await until(lambda: world.reads > seen + 2)
            world.is_away = False
            back_at = loop.time()
            await until(lambda: world.workflows.retaps != [])
            assert loop.time() - back_at >= OFTEN.detector_blind_s
            await until(lambda: world.declared_dead != [])
            assert loop.time() - back_at >= OFTEN.detector_silent_s + OFTEN.detector_dead_s

    run(scenario)


class Hanging(World):
    """A world whose other worker renews once the database is back, but not a moment before."""

    def all(self) -> list[Lease]:
        """Return every lease: at the first read, and when the outage is over."""
        if self.reads == 0:
            self.is_away = False
            leases = super().all()
            self.is_away = True
            return leases
        leases = super().all()
        # The renewal that hung comes through after the first read that does.
        self.silent["w-hung"] = a_lease(worker="w-hung", renewals=self.reads)
        return leases


def test_a_worker_seen_before_an_outage_is_not_declared_dead_after_it() -> None:
    """It couldn't renew during the outage either: what was seen before it proves nothing."""

    async def scenario() -> None:
        world = Hanging()
        world.die("w-hung")
        loop = asyncio.get_running_loop()
        async with watching(world):
            await until(lambda: world.reads > 1)
            begun_at, outage_s = loop.time(), OFTEN.detector_dead_s + OFTEN.detector_jitter_s
            await until(lambda: loop.time() - begun_at > 2 * outage_s)
            world.is_away = False
            seen = world.reads
            await until(lambda: world.reads > seen + 30)
        assert ([], []) == (world.workflows.retaps, world.declared_dead)

    run(scenario)


def test_who_looks_too_late_knows_of_nobody_s_silence() -> None:
    """It slept or hung itself, and the others perhaps with it."""

    async def scenario() -> None:
        world = World(read_s=OFTEN.detector_late_s)
        world.die("w-dead")
        async with watching(world):
            await until(lambda: world.reads > 4)
            assert ([], []) == (world.workflows.retaps, world.declared_dead)
            world.read_s = 0
            await until(lambda: world.declared_dead != [])

    run(scenario)


def test_a_start_that_fails_is_tried_again() -> None:
    """Step Functions may be away, too."""

    class Throttled(FakeWorkflows):
        failures = 3

        def start_retaps(self, worker: str, renewals: int) -> None:
            if self.failures:
                self.failures -= 1
                raise Unavailable("throttled")
            super().start_retaps(worker, renewals)

    async def scenario() -> None:
        world = World(workflows=Throttled())
        world.die("w-dead")
        async with watching(world):
            await until(lambda: world.workflows.retaps != [])

    run(scenario)
