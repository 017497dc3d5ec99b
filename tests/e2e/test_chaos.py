"""The shorter form of `make trial NAME=chaos`: each moment of a kill once."""

from __future__ import annotations

import pytest

from tests.e2e.stage import Stage
from trials.chaos import report
from trials.chaos.kills import Trap
from trials.chaos.storm import Plan, run

pytestmark = pytest.mark.e2e

SEED = 3
"""its first six kills are of six kinds"""


def test_killed_workers_cost_three_seconds_at_most(stage: Stage) -> None:
    """Six kills of three workers and a kill of each function: what is stored is what was sent, in
    its order, once; holes are told; each recording ends, and says so once."""
    plan = Plan(seed=SEED, kills=len(Trap), calls=8, function_kills=1, call_s=(5.0, 8.0))

    tally = run(stage, plan)

    assert [] == report.broken(tally, is_whole=False), report.shown(tally)
