"""What becomes of the calls of a worker that died: one that lives ends what it left."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial

from chalicelib.errors import CallerError
from chalicelib.ports.call_owner import DeadWorkers
from chalicelib.ports.values import Lease
from chalicelib.recording.model import Stream
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.runtime.tasks import Tasks

_PART = "takeover"
_ASK_AGAIN_S = 0.05
"""the shortest wait for a grace, whatever the clocks say"""

_log = logging.getLogger(__name__)


class Takeover:
    """Ends what dead workers held. Several may at once: all is conditional."""

    def __init__(self, dead_workers: DeadWorkers, health: Health, limits: Limits) -> None:
        self._dead_workers = dead_workers
        self._retry_pool = RetryPool(_PART, limits.takeover_threads, health, limits)
        self._ends = Tasks()

    async def take_over(self, lease: Lease) -> None:
        """Declare a worker dead, and begin to end what it held, unless it renewed meanwhile."""
        held = await self._retry_pool.once(partial(self._dead_workers.declare_dead, lease))
        if held:
            _log.warning(
                "a dead worker's streams end", extra={"dead": lease.worker, "streams": len(held)}
            )
        for stream in held:
            self._ends.start(self._end(stream, lease))

    async def close(self) -> None:
        """Leave off; what isn't ended is the sweeper's."""
        await self._ends.cancel()
        self._retry_pool.close()

    async def _end(self, stream: Stream, lease: Lease) -> None:
        """End a stream and its call: again when the call's grace is over."""
        step = partial(self._dead_workers.end_stream, stream, lease)
        try:
            closing = await self._retry_pool.retry(step)
            while not closing.closed and closing.retry_at is not None:
                wait_s = (closing.retry_at - datetime.now(UTC)).total_seconds()
                await asyncio.sleep(max(wait_s, _ASK_AGAIN_S))
                closing = await self._retry_pool.retry(step)
        except CallerError:
            return  # its call is gone
