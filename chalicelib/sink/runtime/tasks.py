"""Owns every task that outlives the line that starts it."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class Tasks:
    """Starts tasks, logs their failures, and awaits them all."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine; its failure is logged, because no caller awaits it."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def finish(self, within_s: float = math.inf) -> bool:
        """Await all, and those that start meanwhile; return whether none is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while self._running and loop.time() < deadline:
            timeout = None if math.isinf(deadline) else deadline - loop.time()
            await asyncio.wait(set(self._running), timeout=timeout)
        return not self._running

    async def cancel(self) -> None:
        """Cancel all and await their ends."""
        for task in set(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task failed", exc_info=error)
