"""The part of `make trial NAME=outage` that needs a database: DynamoDB throttles a worker."""

from __future__ import annotations

import pytest

from tests.e2e.stage import Stage
from trials.outage import database

pytestmark = pytest.mark.e2e

PLAN = database.Plan(throttled_s=6.0, calls=2, call_s=4.0, apart_s=1.0)


def test_calls_that_begin_and_end_while_the_database_refuses_are_whole(stage: Stage) -> None:
    """Every recording finishes, has every sample, and says so once, in order."""
    found = database.run(stage, PLAN)

    assert [] == found.faults
    assert found.refused > PLAN.calls
