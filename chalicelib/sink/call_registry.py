"""All calls of a worker, and its heartbeat, which journals once a second what was received."""

from __future__ import annotations

import asyncio
import logging

from chalicelib.recording.commands import Command
from chalicelib.sink.calls.call import LiveCall
from chalicelib.sink.calls.worker_context import WorkerContext
from chalicelib.sink.cluster.call_status_checks import CallStatusChecks
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.ingest.websocket import CLOSE_WAIT_S
from chalicelib.sink.runtime.tasks import Tasks
from chalicelib.sink.storage.segment_schedule import SegmentSchedule

CALLS_A_SLICE = 25
"""collected in one go (about 1 ms for ten), so that sockets never wait long for the journal"""

_LOOK_AGAIN_S = 0.05
"""between two looks at sockets that are closing"""

_log = logging.getLogger(__name__)


class CallRegistry:
    """Puts each stream under its call, and follows it to its end."""

    def __init__(
        self, worker: WorkerContext, status_checks: CallStatusChecks | None = None
    ) -> None:
        self._worker = worker
        self._status_checks = status_checks
        self._calls: dict[str, LiveCall] = {}
        self._followers: dict[str, int] = {}
        self._segment_schedule = SegmentSchedule(worker.limits)
        self._streams: set[LiveStream] = set()
        self._refused = 0
        """messages, on sockets that have closed"""
        self._cut = 0
        self._tasks = Tasks()

    @property
    def sockets(self) -> int:
        """Count open sockets."""
        return len(self._streams)

    @property
    def calls(self) -> int:
        """Count calls that aren't over for this worker."""
        return len(self._calls)

    @property
    def live_calls(self) -> int:
        """Count the calls with a live stream; others only wait for the store, or for a grace."""
        return sum(call.is_live for call in self._calls.values())

    @property
    def refused(self) -> int:
        """Count the messages that no dialect could read since the worker started."""
        return self._refused + sum(stream.refused for stream in self._streams)

    @property
    def cut(self) -> int:
        """Count the streams that this worker ended, before the carrier did, since it started."""
        return self._cut

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes of segments that wait for the store."""
        return self._worker.segments.waiting_bytes

    @property
    def taps(self) -> int:
        """Count the taps that send."""
        return self._worker.senders.taps

    @property
    def tap_drops(self) -> int:
        """Count the messages that taps have dropped since the worker started."""
        return self._worker.senders.dropped

    def safe_below(self) -> int:
        """Return the number below which segments hold all that the journal holds."""
        journal = self._worker.journal
        next_number = journal.next_number
        kept = next_number if journal.kept_from is None else journal.kept_from
        return min([kept, *(call.safe_below(next_number) for call in self._calls.values())])

    def find(self, call_key: str) -> LiveCall | None:
        """Return a call; None if it isn't here."""
        return self._calls.get(call_key)

    async def end_stream(self, command: Command) -> None:
        """End a silent stream whose carrier says that its call is over."""
        for stream in self._streams:
            if stream.opening.stream_key == command.stream_key:
                stream.end_by_carrier()

    # --- called by streams ---

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of a socket."""
        self._streams.add(stream)

    def stream_started(self, stream: LiveStream) -> None:
        """Begin to follow a stream under its call."""
        key = stream.call.key
        if key not in self._calls:
            self._calls[key] = LiveCall(stream.call, self._worker)
            self._followers[key] = 0
            self._segment_schedule.begin(key, asyncio.get_running_loop().time())
        self._followers[key] += 1
        self._tasks.start(self._follow(self._calls[key], stream))

    def stream_closed(self, stream: LiveStream) -> None:
        """Forget a socket."""
        self._streams.discard(stream)
        self._refused += stream.refused
        self._cut += stream.was_cut

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Have the carrier asked for the status of the stream's call."""
        if self._status_checks is not None:
            self._status_checks.ask(stream, number)

    async def _follow(self, call: LiveCall, stream: LiveStream) -> None:
        try:
            await call.follow(stream)
        finally:
            key = call.ref.key
            self._followers[key] -= 1
            if not self._followers[key]:
                del self._calls[key], self._followers[key]
                self._segment_schedule.forget(key)

    # --- the heartbeat ---

    async def beat(self) -> None:
        """Collect, commit and store segments every second, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._worker.limits.journal_every_s, loop.time())
            await asyncio.sleep(due - loop.time())
            await self.commit()

    async def commit(self) -> None:
        """Give all that was received to the journal; begin the segments that are due."""
        due = set(self._segment_schedule.due(asyncio.get_running_loop().time()))
        for place, (key, call) in enumerate(list(self._calls.items())):
            if place % CALLS_A_SLICE == CALLS_A_SLICE - 1:
                await asyncio.sleep(0)
            call.collect()
            if key in due:
                step = call.seal_segment if call.is_storing else call.store_segment
                self._tasks.start(step())
        self._worker.journal.commit()

    # --- the planned stop ---

    def cut_off(self) -> None:
        """Close every connection that is left."""
        for stream in list(self._streams):
            stream.cut_off()

    async def stop(self, within_s: float) -> bool:
        """Close all streams, store what they sent, end their calls; return whether all is done."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        await self._drain(min(deadline, loop.time() + 2 * CLOSE_WAIT_S))
        done = await self._tasks.finish(deadline - loop.time())
        if not done:
            _log.error("calls were left to the sweeper", extra={"calls": self.calls})
            self._count_losses()
        await self._tasks.cancel()
        return done

    def _count_losses(self) -> None:
        """Count the media that is lost with the worker."""
        lost = sum(call.endangered_bytes for call in self._calls.values())
        if lost:
            self._worker.health.lose("the worker ended before the store took it", lost)

    async def _drain(self, deadline: float) -> None:
        """Wait for all sockets to close: one may still start a stream that has no call yet."""
        loop = asyncio.get_running_loop()
        while self._streams and loop.time() < deadline:
            for stream in list(self._streams):
                stream.leave()
            await asyncio.sleep(_LOOK_AGAIN_S)
