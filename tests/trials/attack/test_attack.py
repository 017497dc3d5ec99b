"""The shorter form of `make trial NAME=attack`: what floods, on a sink that records a call."""

from __future__ import annotations

import asyncio

import pytest

from trials.attack import slow
from trials.attack.__main__ import FLOODS, run

pytestmark = pytest.mark.e2e  # it needs no AWS, but processes of its own and twelve seconds


def test_floods_cost_no_memory_and_nobody_else() -> None:
    """Every attacker is cut as promised, memory holds, and the honest call is stored whole."""

    _report, faults = asyncio.run(run(FLOODS, meanwhile=(slow.slowloris,)))

    assert [] == faults
