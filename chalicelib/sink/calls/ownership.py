"""What a worker does with a stream whose call another worker owns: pass it on, and ask again when
that is over."""

from __future__ import annotations

import asyncio
import logging
import time

from chalicelib.errors import CallerError
from chalicelib.ports.values import OwnedElsewhere
from chalicelib.recording.instants import instant
from chalicelib.recording.model import CallRef, Ending
from chalicelib.sink.calls.worker_context import Worker
from chalicelib.sink.forwarding.outbound_stream import ForwardingResult
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.runtime.tasks import Tasks

_log = logging.getLogger(__name__)


class Passing:
    """One socket's stream, from owner to owner."""

    def __init__(self, call: CallRef, worker: Worker, tasks: Tasks) -> None:
        self.over_epoch = 0
        """of an owner that goes or can't be reached: this worker may claim the call after it"""
        self._call = call
        self._worker = worker
        self._tasks = tasks
        self._lost: list[tuple[str, str]] = []
        """owners to whom the connection broke, and the key of the stream that each captured"""

    async def pass_on(self, stream: LiveStream, owner: OwnedElsewhere) -> bool:
        """Pass a stream on; tell whether that is all. If not, it waits for who captures it next."""
        self._leave_behind(owner.owner)
        if stream.give_back() or not isinstance(stream, EventStream):
            return True
        passed_key = stream.opening.stream_key
        outcome = await self._worker.forwarding_client.forward(stream, owner)
        if outcome is ForwardingResult.THROUGH:
            return True
        _log.warning(
            "a stream is no longer forwarded",
            extra={**stream.labels(), "owner": owner.owner, "reason": outcome.value},
        )
        if outcome in (ForwardingResult.UNREACHABLE, ForwardingResult.OVER):
            self.over_epoch = owner.epoch
            return False
        await asyncio.sleep(self._worker.limits.retry_first_s)
        if outcome is ForwardingResult.LOST:
            if stream.ended.is_set():
                return await self._end(passed_key) is not Ending.DEAD
            self._lost.append((owner.owner, passed_key))
        return False

    def arrived(self) -> None:
        """Take note that this worker captures the stream."""
        self._leave_behind(self._worker.name)

    def _leave_behind(self, owner: str) -> None:
        """End what was captured by owners that are none any more; the present one ends its own."""
        for before, stream_key in self._lost:
            if before != owner:
                self._tasks.start(self._end(stream_key))
        self._lost = [one for one in self._lost if one[0] == owner]

    async def _end(self, stream_key: str) -> Ending:
        """End a stream in the place of a dead owner; tell how it ended: the first word counts."""
        at = instant(time.time_ns() // 1000)
        try:
            return await self._worker.control.end_stream(self._call, stream_key, Ending.DEAD, at)
        except CallerError:  # the owner died before it joined
            return Ending.DEAD
