"""Turns that spare work."""

from __future__ import annotations

import asyncio

from chalicelib.sink.runtime.soft_lock import SoftLock


def test_one_after_the_other() -> None:
    """The second task begins when the first is done."""

    async def scenario() -> list[str]:
        turn, told = SoftLock(within_s=60), []

        async def work(name: str) -> None:
            async with turn.held():
                told.append(f"{name} begins")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                told.append(f"{name} ends")

        await asyncio.gather(work("one"), work("two"))
        return told

    assert ["one begins", "one ends", "two begins", "two ends"] == asyncio.run(scenario())


def test_nobody_waits_for_long() -> None:
    """Who waited long enough goes on beside the first, and leaves it its turn."""

    async def scenario() -> None:
        turn = SoftLock(within_s=0.001)
        async with turn.held():
            async with turn.held():
                pass
            waiting = asyncio.create_task(_through(turn))
            await waiting
        await _through(turn)

    asyncio.run(scenario())


async def _through(turn: SoftLock) -> None:
    async with turn.held():
        pass
