"""The shorter form of `make trial NAME=retap`: one death, one call."""

from __future__ import annotations

import pytest

from tests.e2e.stage import Stage
from trials.retap.death import die, scene

pytestmark = pytest.mark.e2e


def test_a_dead_worker_s_call_is_tapped_again(stage: Stage) -> None:
    """Its carrier is asked once for each tap, streams to another worker, and the recording tells
    the hole; a call that is over is tapped by nobody."""
    with scene(stage) as set_:
        death = die(set_, number=0, calls=1, talks_s=4.0)

    assert [] == death.faults
    assert 2 == len(death.stored_s)
