"""A lock that gives up after half a second: it saves work, and protects nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SoftLock:
    """Admits one task after the other; a task that has waited long enough goes on without it."""

    def __init__(self, within_s: float = 0.5) -> None:
        self._within_s = within_s
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the lock, or go on without it after a while."""
        try:
            async with asyncio.timeout(self._within_s):
                await self._lock.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            self._lock.release()
