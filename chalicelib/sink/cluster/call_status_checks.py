"""Asks carriers for the status of calls whose streams are open but silent.

A worker holds no carrier's credentials, so it starts the execution that asks.
"""

from __future__ import annotations

import logging

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
    """Starts the status checks of one worker's calls."""

    def __init__(self, name: str, workflows: Workflows, health: Health, limits: Limits) -> None:
        self._name = name
        self._workflows = workflows
        self._health = health
        self._retry_pool = RetryPool(_PART, 1, health, limits)
        self._asking = Tasks()

    def ask(self, stream: LiveStream, number: int) -> None:
        """Begin the n-th check of a silent stream's call."""
        self._asking.start(self._ask(stream, number))

    async def close(self) -> None:
        """Cancel the checks that are under way."""
        await self._asking.cancel()
        self._retry_pool.close()

    async def _ask(self, stream: LiveStream, number: int) -> None:
        key = stream.opening.stream_key
        try:
            await self._retry_pool.once(
                self._workflows.start_inquiry, stream.call, key, worker=self._name, number=number
            )
        except TapedeckError:
            self._health.failures[_PART] += 1  # while the stream is silent, it asks again
            return
        _log.info("a stream is silent", extra={**stream.labels(), "number": number})
