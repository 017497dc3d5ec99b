"""A beat that keeps time."""

from __future__ import annotations

import asyncio
import time

from chalicelib.sink.runtime.ticker import Ticker
from tests.sink.rig import run


def test_beats_as_often_as_time_has_periods() -> None:
    """Whatever the single beats are late, they don't add up."""

    async def scenario() -> None:
        beats: list[float] = []
        ticker, loop = Ticker(10), asyncio.get_running_loop()
        begun = loop.time()
        tick = lambda: beats.append(loop.time())  # noqa: E731  # one word
        ticker.add(tick)
        await asyncio.sleep(0.5)
        ticker.remove(tick)
        assert abs(len(beats) - (loop.time() - begun) * 100) <= 2

    run(scenario)


def test_makes_up_for_a_loop_that_stood_still() -> None:
    """Up to a second; what was longer is gone."""

    async def scenario() -> None:
        for stood_s, made_up in ((0.2, range(10, 14)), (1.5, range(50, 54))):
            beats: list[int] = []
            ticker = Ticker(20)
            ticker.add(lambda beats=beats: beats.append(1))  # type: ignore[misc]  # its own list
            time.sleep(stood_s)
            await asyncio.sleep(0.01)
            assert len(beats) in made_up

    run(scenario)


def test_sleeps_while_nobody_listens() -> None:
    """And starts again with the next member."""

    async def scenario() -> None:
        beats: list[int] = []
        ticker = Ticker(10)

        def tick() -> None:
            beats.append(1)

        ticker.add(tick)
        ticker.remove(tick)
        ticker.remove(tick)
        await asyncio.sleep(0.05)
        assert [] == beats
        ticker.add(tick)
        await asyncio.sleep(0.05)
        assert beats
        ticker.remove(tick)

    run(scenario)


def test_a_member_may_leave_during_a_beat() -> None:
    """The others are called all the same."""

    async def scenario() -> None:
        ticker, beats = Ticker(10), []

        def once() -> None:
            beats.append("once")
            ticker.remove(once)

        def always() -> None:
            beats.append("always")

        ticker.add(once)
        ticker.add(always)
        await asyncio.sleep(0.06)
        ticker.remove(always)
        assert 1 == beats.count("once")
        assert beats.count("always") >= 3

    run(scenario)
