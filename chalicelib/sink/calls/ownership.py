"""What a worker does with a stream whose call another worker owns.

It forwards the stream; when that ends, it asks again who owns the call.
"""

from __future__ import annotations

import asyncio
import logging
import time

from chalicelib.errors import CallerError
from chalicelib.ports.values import JoinRequest, OwnedElsewhere
from chalicelib.recording.instants import instant
from chalicelib.recording.model import CallRef, Ending
from chalicelib.sink.calls.worker_context import WorkerContext
from chalicelib.sink.forwarding.outbound_stream import ForwardingResult
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.runtime.tasks import Tasks

_log = logging.getLogger(__name__)


class Ownership:
    """Follows one socket's stream from owner to owner."""

    def __init__(self, call: CallRef, worker: WorkerContext, tasks: Tasks) -> None:
        self.claims_over = 0
        """the epoch of an owner that stops or can't be reached: this worker may claim the call"""
        self._call = call
        self._worker = worker
        self._tasks = tasks
        self._lost: list[tuple[str, str]] = []
        """owners whose connection broke, and the key of the stream that each of them captured"""

    async def forward(self, stream: LiveStream, owner: OwnedElsewhere) -> bool:
        """Forward a stream; return whether it is done. If not, it waits for its next owner."""
        self._end_lost_streams(owner.owner)
        if stream.give_back() or not isinstance(stream, EventStream):
            return True
        forwarded_key = stream.opening.stream_key
        result = await self._worker.forwarding_client.forward(stream, owner)
        if result is ForwardingResult.THROUGH:
            return True
        _log.warning(
            "a stream is no longer forwarded",
            extra={**stream.labels(), "owner": owner.owner, "reason": result.value},
        )
        if result in (ForwardingResult.UNREACHABLE, ForwardingResult.OVER):
            self.claims_over = owner.owner_epoch
            return False
        await asyncio.sleep(self._worker.limits.retry_first_s)
        if result is ForwardingResult.LOST:
            if stream.ended.is_set():
                return await self._end(forwarded_key) is not Ending.DEAD
            self._lost.append((owner.owner, forwarded_key))
        return False

    def note_captured_here(self) -> None:
        """Take note that this worker captures the stream."""
        self._end_lost_streams(self._worker.name)

    def _end_lost_streams(self, owner: str) -> None:
        """End the streams that former owners captured; the present one ends its own."""
        for before, stream_key in self._lost:
            if before != owner:
                self._tasks.start(self._end(stream_key))
        self._lost = [one for one in self._lost if one[0] == owner]

    async def _end(self, stream_key: str) -> Ending:
        """End a stream for a dead owner; return how it ended: the first ending counts."""
        at = instant(time.time_ns() // 1000)
        end_stream = self._worker.call_control.end_stream
        try:
            return await self._worker.database.call(
                end_stream, self._call, stream_key, Ending.DEAD, at
            )
        except CallerError:  # the owner died before the stream joined
            return Ending.DEAD


def join_request(
    call: CallRef, stream: LiveStream, worker: WorkerContext, claims_over: int
) -> JoinRequest:
    """Return the request by which a worker joins a stream to its call."""
    opening, started = stream.opening, stream.started
    assert started is not None
    return JoinRequest(
        call=call,
        profile=opening.profile,
        stream_key=opening.stream_key,
        carrier_stream_id=started.carrier_stream_id,
        worker=worker.name,
        dialect=opening.dialect,
        tracks=started.tracks,
        encoding=started.encoding,
        rate_hz=started.rate_hz,
        labels=started.labels,
        opened_at=instant(stream.opened_us),
        journal_from=worker.journal.next_number,
        address=worker.forwarding_client.address,
        claims_over_epoch=claims_over,
    )
