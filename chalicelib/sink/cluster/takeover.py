"""Takes over from dead workers: ends the streams and the calls that they left."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

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
"""the shortest wait for a grace to end, whatever the clocks say"""

_log = logging.getLogger(__name__)


class Takeover:
    """Ends what dead workers held. Several may do so at once: every write is conditional."""

    def __init__(self, dead_workers: DeadWorkers, health: Health, limits: Limits) -> None:
        self._dead_workers = dead_workers
        self._retry_pool = RetryPool(_PART, limits.takeover_threads, health, limits)
        self._ends = Tasks()

    async def take_over(self, lease: Lease) -> None:
        """Declare a worker dead and begin to end what it held, unless it has renewed its lease."""
        held = await self._retry_pool.once(self._dead_workers.declare_dead, lease)
        if held:
            _log.warning(
                "a dead worker's streams end", extra={"dead": lease.worker, "streams": len(held)}
            )
        for stream in held:
            self._ends.start(self._end(stream, lease))

    async def close(self) -> None:
        """Stop; the sweeper ends the rest."""
        await self._ends.cancel()
        self._retry_pool.close()

    async def _end(self, stream: Stream, lease: Lease) -> None:
        """End a stream, then its call; while the call has a grace, ask again when that is over."""
        end_stream = self._dead_workers.end_stream
        try:
            closing = await self._retry_pool.retry(end_stream, stream, lease)
            while not closing.closed and closing.retry_at is not None:
                wait_s = (closing.retry_at - datetime.now(UTC)).total_seconds()
                await asyncio.sleep(max(wait_s, _ASK_AGAIN_S))
                closing = await self._retry_pool.retry(end_stream, stream, lease)
        except CallerError:
            return  # its call no longer exists
