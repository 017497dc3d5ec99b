"""The synchronous world asked from the loop: in a bounded pool, again until it answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chalicelib.errors import CallerError, PreconditionFailed, TapedeckError
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

T = TypeVar("T")


def delays(first_s: float, most_s: float) -> Iterator[float]:
    """Yield waits that double up to a bound, each with jitter of ± 50 %."""
    delay_s = first_s
    while True:
        yield delay_s * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, guards nothing
        delay_s = min(delay_s * 2, most_s)


class RetryPool:
    """A pool of threads for one outside part, and the health of that part."""

    def __init__(self, part: str, threads: int, health: Health, limits: Limits) -> None:
        self._part = part
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=part)
        self._health = health
        self._limits = limits

    async def once(self, call: Callable[[], T]) -> T:
        """Return what a call returns, or raise what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def retry(
        self, call: Callable[[], T], ready: Callable[[], Awaitable[None]] | None = None
    ) -> T:
        """Return what a call returns; again while it fails, each time when `ready` returned. Raises
        CallerError and PreconditionFailed: those are answers. All else is asked again, also what
        makes no sense: a call that is given up here is one that nobody ends."""
        for delay_s in delays(self._limits.retry_first_s, self._limits.retry_most_s):
            if ready is not None:
                await ready()
            try:
                result = await self.once(call)
            except (CallerError, PreconditionFailed):
                raise
            except TapedeckError as error:
                self._health.degrade(self._part, error.code)
                await asyncio.sleep(delay_s)
            else:
                self._health.recover(self._part)
                return result
        raise AssertionError("delays never end")

    def close(self) -> None:
        """End the threads; what still runs is left to the process's end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
