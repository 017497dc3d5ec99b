"""The shorter form of `make trial NAME=stop`."""

from __future__ import annotations

import asyncio

import pytest

from trials.stop.run import Plan, run

pytestmark = pytest.mark.e2e  # it needs no AWS, but processes of its own and seconds


def test_a_stop_in_the_midst_of_calls_loses_nothing() -> None:
    """SIGTERM at one moment of twenty calls of every kind: what had been sent by then is stored bit
    for bit, newcomers are sent elsewhere, each call ends, and the worker with exit code 0."""

    stop = asyncio.run(run(Plan(calls=20, seconds=1.0, seed=4, grace_s=0.5)))

    assert [] == stop.faults, str(stop)
    assert stop.verdict.sent > 20 * 2 * 8000 * 0.5
