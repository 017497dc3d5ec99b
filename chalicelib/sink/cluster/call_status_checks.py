"""Streams whose sockets are open and say nothing: their calls' carriers are asked where they stand.

The worker starts the execution that asks, because it holds no carrier's credentials.
"""

from __future__ import annotations

import logging
from functools import partial

from chalicelib.errors import TapedeckError
from chalicelib.ports.aws import Workflows
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.runtime.tasks import Tasks

_PART = "call status checks"

_log = logging.getLogger(__name__)


class CallStatusChecks:
    """Those of one worker."""

    def __init__(self, name: str, workflows: Workflows, health: Health, limits: Limits) -> None:
        self._name = name
        self._workflows = workflows
        self._health = health
        self._retry_pool = RetryPool(_PART, 1, health, limits)
        self._asking = Tasks()

    def ask(self, stream: LiveStream, number: int) -> None:
        """Begin to ask for the n-th time of a silent stream's call."""
        self._asking.start(self._ask(stream, number))

    async def close(self) -> None:
        """Ask no more."""
        await self._asking.cancel()
        self._retry_pool.close()

    async def _ask(self, stream: LiveStream, number: int) -> None:
        key = stream.opening.stream_key
        start = partial(
            self._workflows.start_inquiry, stream.call, key, worker=self._name, number=number
        )
        try:
            await self._retry_pool.once(start)
        except TapedeckError:
            self._health.failures[_PART] += 1  # the stream is silent still: it asks again
            return
        _log.info("a stream is silent", extra={**stream.labels(), "number": number})
