"""One after the other, as far as that takes a moment only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SoftLock:
    """A lock that spares work and guards nothing: who waited long enough goes on without it."""

    def __init__(self, within_s: float = 0.5) -> None:
        self._within_s = within_s
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait for one's turn."""
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
