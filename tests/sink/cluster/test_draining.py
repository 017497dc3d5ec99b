"""A draining task, as its worker sees it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import pytest

from chalicelib.errors import Unavailable
from chalicelib.sink.worker import Worker
from tests.sink.rig import run, until
from tests.sink.rtp_rig import SPEEDY, in_place, opened, rtp_rig, sender, stored

OFTEN = replace(SPEEDY, drain_look_every_s=0.01)


@dataclass
class Ecs:
    """ECS, which keeps the task or not, and can be unreachable."""

    wants_it: bool = True
    is_away: bool = False
    asked: int = 0

    def is_going(self) -> bool:
        """Say so."""
        self.asked += 1
        if self.is_away:
            raise Unavailable("no answer")
        return not self.wants_it


def test_a_task_that_goes_offers_no_rtp_and_keeps_what_it_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its lease no longer names an address; a claimed port is still received."""
    caplog.set_level(logging.INFO, logger="chalicelib.sink.cluster.ecs_task")

    async def scenario() -> None:
        ecs = Ecs(is_away=True)
        rig = rtp_rig(OFTEN)
        rig.sink = Worker("w-1", replace(rig.outside, task_state=ecs), OFTEN, rig.rtp)
        async with rig.running():
            await until(lambda: ecs.asked > 2)
            ecs.is_away = False
            await until(lambda: ecs.asked > 4)
            assert rig.leases.renewals[-1].rtp_host
            claim = await opened(rig)
            async with sender(claim) as carrier:
                carrier.sound(range(5))
                await until(lambda: rig.sink.call_registry.calls)
                ecs.wants_it = False
                await until(lambda: not rig.leases.renewals[-1].rtp_host)
                carrier.sound(range(5, 10))
                later = await opened(rig, control_id="claimed before")
                assert rig.claims.at(later.host, later.port) is not None
        assert in_place(10) == stored(rig).sounding()

    run(scenario)
    assert ["the task's state can't be read", "the task is draining: no more RTP"] == [
        record.message for record in caplog.records
    ]
