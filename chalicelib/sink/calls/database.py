"""The database, asked from the event loop: in a pool of threads, again until it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Calls the functions of the ports that own rows: CallControl and LiveRecordings."""

    def __init__(
        self, health: Health, limits: Limits, lease_is_sure: Callable[[], Awaitable[None]]
    ) -> None:
        """`lease_is_sure` returns while no other worker can consider this one dead: only then may
        it write."""
        self._pool = RetryPool("database", limits.control_threads, health, limits, lease_is_sure)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns, or raise what it raises, except Unavailable."""
        return await self._pool.retry(function, *args, **kwargs)

    def close(self) -> None:
        """Ask nothing more."""
        self._pool.close()
