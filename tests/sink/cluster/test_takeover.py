"""A worker that ends what another one left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.errors import NotFound, Unavailable
from chalicelib.ports.values import CloseResult, Lease
from chalicelib.recording.model import Ending, State, Stream
from chalicelib.sink.cluster.takeover import Takeover
from chalicelib.sink.runtime.health import Health
from tests.samples import a_lease, a_stream
from tests.sink.pair import pair, pcm
from tests.sink.rig import QUICK, run, until

DEAD = a_lease(worker="w-dead")


@dataclass
class Graveyard:
    """The port DeadWorkers."""

    held: tuple[Stream, ...] = (a_stream(), a_stream(stream_key="stream-2"))
    graces: int = 1
    """times that a call isn't to be closed yet"""
    is_away: bool = False
    is_gone: bool = False
    """the calls' rows"""
    asked: int = 0
    ended: list[str] = field(default_factory=list)

    def declare_dead(self, lease: Lease) -> Sequence[Stream]:
        """Return what a worker held."""
        if self.is_away:
            raise Unavailable("the database is away")
        return self.held

    def end_stream(self, stream: Stream, lease: Lease) -> CloseResult:
        """Note an end, unless a grace runs."""
        self.asked += 1
        if self.is_gone:
            raise NotFound("no such call")
        if self.graces:
            self.graces -= 1
            return CloseResult(closed=False, retry_at=datetime.now(UTC) + timedelta(milliseconds=1))
        self.ended.append(stream.stream_key)
        return CloseResult(closed=True)


def test_all_that_was_held_is_ended() -> None:
    """Each stream when its call's grace is over."""

    async def scenario() -> None:
        graveyard = Graveyard()
        takeover = Takeover(graveyard, Health(), QUICK)
        await takeover.take_over(DEAD)
        await until(lambda: len(graveyard.ended) == 2)
        assert ["stream-1", "stream-2"] == sorted(graveyard.ended)
        assert 3 == graveyard.asked
        await takeover.close()

    run(scenario)


def test_who_cannot_write_inherits_nothing() -> None:
    """Whoever watches asks again."""

    async def scenario() -> None:
        takeover = Takeover(Graveyard(is_away=True), Health(), QUICK)
        with pytest.raises(Unavailable):
            await takeover.take_over(DEAD)
        await takeover.close()

    run(scenario)


def test_a_call_that_is_gone_needs_no_end() -> None:
    """Asking once is enough, and no failure."""

    async def scenario() -> None:
        graveyard, health = Graveyard(is_gone=True), Health()
        takeover = Takeover(graveyard, health, QUICK)
        await takeover.take_over(DEAD)
        await until(lambda: graveyard.asked == 2)
        await takeover.close()
        assert ([], {}) == (graveyard.ended, dict(health.failures))

    run(scenario)


def test_a_call_that_only_the_dead_one_had_is_finalized() -> None:
    """Another worker, that never heard of it, sees the death, and its lease is over."""

    async def scenario() -> None:
        async with pair() as two:
            inbound = await two.side(two.near, "inbound")
            await until(two.streams)
            await inbound.say(range(50))
            await two.near.die()
            await two.ended()
        (stream,) = two.streams()
        assert (Ending.DEAD, State.FINALIZING) == (stream.ending, two.recording.state)
        assert two.near.leases.leases["w-1"].over
        left, _, _ = two.heard()
        assert pcm(range(45)) in left

    run(scenario)
