"""A worker that looks after the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from chalicelib.errors import NotFound, Unavailable
from chalicelib.port_values import Closing, Lease
from chalicelib.recording.model import Stream
from chalicelib.sink.health import Health
from chalicelib.sink.heir import Heir
from tests.samples import a_lease, a_stream
from tests.sink.rig import QUICK, run, until

OFTEN = replace(QUICK, heir_every_s=0.02, heir_look_s=0.01)
DEAD = a_lease(worker="w-dead")
ASLEEP = a_lease(worker="w-asleep")


@dataclass
class Graveyard:
    """The port DeadWorkers: `w-dead` is, `w-asleep` wakes while somebody looks."""

    suspected: list[Lease] = field(default_factory=lambda: [ASLEEP, DEAD])
    held: tuple[Stream, ...] = (a_stream(), a_stream(stream_key="stream-2"))
    graces: int = 1
    """times that a call isn't to be closed yet"""
    is_away: bool = False
    is_gone: bool = False
    """the calls' rows"""
    asked: int = 0
    looks: int = 0
    buried: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def suspects(self) -> Sequence[Lease]:
        """Return whom nobody buried."""
        self.asked += 1
        if self.is_away:
            raise Unavailable("the database is away")
        return [one for one in self.suspected if one.worker not in self.buried]

    def still_silent(self, suspected: Iterable[Lease]) -> Sequence[Lease]:
        """Count a look; who sleeps wakes with the second one."""
        self.looks += 1
        return [one for one in suspected if one is DEAD or self.looks % 2]

    def bury(self, lease: Lease) -> Sequence[Stream]:
        """Note a death."""
        self.buried.append(lease.worker)
        return self.held

    def end_stream(self, stream: Stream, lease: Lease) -> Closing:
        """Note an end, unless a grace runs."""
        if self.is_gone:
            raise NotFound("no such call")
        if self.graces:
            self.graces -= 1
            return Closing(closed=False, retry_at=datetime.now(UTC) + timedelta(milliseconds=1))
        self.ended.append(stream.stream_key)
        return Closing(closed=True)


@asynccontextmanager
async def watching(graveyard: Graveyard, health: Health) -> AsyncIterator[None]:
    """Let an heir look at it until the block ends."""
    heir = Heir(graveyard, health, OFTEN)
    keeping = asyncio.create_task(heir.keep())
    yield
    keeping.cancel()
    await heir.close()


def test_who_is_silent_in_two_looks_is_buried() -> None:
    """And what it held is ended, each stream when its grace is over; who woke is left alone."""

    async def scenario() -> None:
        graveyard = Graveyard()
        async with watching(graveyard, Health()):
            await until(lambda: len(graveyard.ended) == 2)
        assert ["w-dead"] == graveyard.buried
        assert ["stream-1", "stream-2"] == sorted(graveyard.ended)
        assert 0 == graveyard.graces

    run(scenario)


def test_who_cannot_read_buries_nobody() -> None:
    """It is counted, and tried again."""

    async def scenario() -> None:
        graveyard, health = Graveyard(is_away=True), Health()
        async with watching(graveyard, health):
            await until(lambda: graveyard.asked == 2)
            assert [] == graveyard.buried
            graveyard.is_away = False
            await until(lambda: len(graveyard.ended) == 2)
        assert 2 <= health.failures["heir"]

    run(scenario)


def test_a_call_that_is_gone_needs_no_end() -> None:
    """One look at it is enough, and no failure."""

    async def scenario() -> None:
        graveyard = Graveyard(is_gone=True)
        async with watching(graveyard, Health()):
            await until(lambda: graveyard.buried == ["w-dead"])
            await until(lambda: graveyard.asked >= 3)
        assert [] == graveyard.ended

    run(scenario)
