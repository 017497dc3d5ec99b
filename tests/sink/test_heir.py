"""A worker that looks after one that it couldn't reach."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from chalicelib.errors import Unavailable
from chalicelib.recording.model import CallRef
from chalicelib.sink.health import Health
from chalicelib.sink.heir import Heir
from tests.samples import CALL
from tests.sink.rig import QUICK, run

OTHER = replace(CALL, call_id="c-2")


@dataclass
class Graveyard:
    """Dead workers, as a test has them."""

    is_over: bool = True
    is_away: bool = False
    looks: list[str] = field(default_factory=list)
    ended: list[tuple[str, CallRef]] = field(default_factory=list)

    def outlive(self, worker: str) -> bool:
        """Tell whether a worker is over."""
        self.looks.append(worker)
        if self.is_away:
            raise Unavailable("the database is away")
        return self.is_over

    def end_streams(self, worker: str, call: CallRef) -> None:
        """Note a call."""
        self.ended.append((worker, call))


def test_one_look_serves_all_calls() -> None:
    """Two calls of the same dead worker: it is looked at once, and both are seen to."""

    async def scenario() -> None:
        graveyard = Graveyard()
        heir = Heir(graveyard, Health(), QUICK)
        await asyncio.gather(heir.outlive("w-1", CALL), heir.outlive("w-1", OTHER))
        assert ["w-1"] == graveyard.looks
        assert [("w-1", CALL), ("w-1", OTHER)] == sorted(
            graveyard.ended, key=lambda one: one[1].call_id
        )
        heir.close()

    run(scenario)


def test_a_worker_that_may_live_keeps_its_calls() -> None:
    """Its lease is renewed, or nobody can read it: the latter is counted."""

    async def scenario() -> None:
        health = Health()
        for graveyard in (Graveyard(is_over=False), Graveyard(is_away=True)):
            heir = Heir(graveyard, health, QUICK)
            await heir.outlive("w-1", CALL)
            assert [] == graveyard.ended
            heir.close()
        assert 1 == health.failures["heir"]

    run(scenario)
