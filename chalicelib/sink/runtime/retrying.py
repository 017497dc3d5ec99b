"""Calls synchronous functions from the event loop, in a bounded pool, until they answer.

By hand: tenacity retries one call; here the pool, its bound and `Health` belong together.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from chalicelib.errors import CallerError, PreconditionFailed, TapedeckError
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

P = ParamSpec("P")
T = TypeVar("T")


def delays(first_s: float, most_s: float) -> Iterator[float]:
    """Yield delays that double up to a bound, each with a jitter of ± 50 %."""
    delay_s = first_s
    while True:
        yield delay_s * random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, guards nothing
        delay_s = min(delay_s * 2, most_s)


class RetryPool:
    """A pool of threads for one external part, which also reports that part's health."""

    def __init__(
        self,
        part: str,
        threads: int,
        health: Health,
        limits: Limits,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Each attempt of `retry` waits until `ready` returns."""
        self._part = part
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=part)
        self._health = health
        self._limits = limits
        self._ready = ready

    async def once(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns, or raise what it raises."""
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def retry(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns; call it again while it fails.

        Raises CallerError and PreconditionFailed, because those are answers. Every other error is
        retried, even one that makes no sense: if a call were given up here, nothing else would end
        what it was for.
        """
        for delay_s in delays(self._limits.retry_first_s, self._limits.retry_most_s):
            if self._ready is not None:
                await self._ready()
            try:
                result = await self.once(function, *args, **kwargs)
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
        """End the threads; a call that still runs ends with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)
