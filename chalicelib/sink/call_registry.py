"""All calls of a worker, and its heartbeat: every second what was received goes to the journal."""

from __future__ import annotations

import asyncio
import logging

from chalicelib.recording.commands import Command
from chalicelib.sink.calls.call import Call
from chalicelib.sink.calls.worker_context import Worker
from chalicelib.sink.cluster.call_status_checks import CallStatusChecks
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.ingest.websocket import CLOSE_WAIT_S
from chalicelib.sink.runtime.tasks import Tasks
from chalicelib.sink.storage.segment_schedule import SegmentSchedule

CALLS_A_SLICE = 25
"""cut in one go (about 1 ms each ten), so that sockets never wait long for the journal"""

_LOOK_AGAIN_S = 0.05
"""while sockets drain"""

_log = logging.getLogger(__name__)


class Hub:
    """Streams in; knows which call each belongs to."""

    def __init__(self, worker: Worker, status_checks: CallStatusChecks | None = None) -> None:
        self._worker = worker
        self._status_checks = status_checks
        self._calls: dict[str, Call] = {}
        self._followers: dict[str, int] = {}
        self._segment_schedule = SegmentSchedule(worker.limits)
        self._streams: set[LiveStream] = set()
        self._refused = 0
        """messages, on sockets that are gone"""
        self._cut = 0
        self._life = Tasks()

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
        """Count those that stream: others only wait for the store, or for a grace."""
        return sum(call.is_live for call in self._calls.values())

    @property
    def refused(self) -> int:
        """Count messages that no dialect knew, since the worker began."""
        return self._refused + sum(stream.refused for stream in self._streams)

    @property
    def cut(self) -> int:
        """Count streams that this worker ended before their carriers, since it began."""
        return self._cut

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes of segments that the store hasn't taken."""
        return self._worker.segments.waiting_bytes

    @property
    def taps(self) -> int:
        """Count taps that send."""
        return self._worker.senders.taps

    @property
    def tap_drops(self) -> int:
        """Count messages that taps dropped, since the worker began."""
        return self._worker.senders.dropped

    def safe_below(self) -> int:
        """Return the number below which the journal holds nothing that segments don't."""
        journal = self._worker.journal
        following = journal.next_number
        kept = following if journal.kept_from is None else journal.kept_from
        return min([kept, *(call.safe_below(following) for call in self._calls.values())])

    async def obey(self, command: Command) -> None:
        """Carry out a command; of a call that isn't here nothing is left to do."""
        call = self._calls.get(command.call_key)
        if call is not None:
            await call.obey(command)

    async def end_stream(self, command: Command) -> None:
        """End a silent stream, of which its carrier says that its call is over."""
        for stream in self._streams:
            if stream.opening.stream_key == command.stream_key:
                stream.end_by_carrier()

    # --- what streams say ---

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of a socket."""
        self._streams.add(stream)

    def stream_started(self, stream: LiveStream) -> None:
        """Put the stream under its call, and follow it to its end."""
        key = stream.call.key
        if key not in self._calls:
            self._calls[key] = Call(stream.call, self._worker)
            self._followers[key] = 0
            self._segment_schedule.begin(key, asyncio.get_running_loop().time())
        self._followers[key] += 1
        self._life.start(self._follow(self._calls[key], stream))

    def stream_closed(self, stream: LiveStream) -> None:
        """Forget a socket."""
        self._streams.discard(stream)
        self._refused += stream.refused
        self._cut += stream.was_cut

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Let the stream's carrier be asked where its call stands."""
        if self._status_checks is not None:
            self._status_checks.ask(stream, number)

    async def _follow(self, call: Call, stream: LiveStream) -> None:
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
        """Cut, commit and store segments every second, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._worker.limits.journal_every_s, loop.time())
            await asyncio.sleep(due - loop.time())
            await self.commit()

    async def commit(self) -> None:
        """Put everything received into the journal's hands; begin the segments that are due."""
        over = set(self._segment_schedule.over(asyncio.get_running_loop().time()))
        for place, (key, call) in enumerate(list(self._calls.items())):
            if place % CALLS_A_SLICE == CALLS_A_SLICE - 1:
                await asyncio.sleep(0)
            call.cut()
            if key in over:
                step = call.seal_segment if call.is_storing else call.store_segment
                self._life.start(step())
        self._worker.journal.commit()

    # --- the end ---

    def cut_off(self) -> None:
        """Cut every connection that is left."""
        for stream in list(self._streams):
            stream.cut_off()

    async def stop(self, within_s: float) -> bool:
        """Send carriers away, store what they sent, end their calls; tell whether all is done."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        await self._drain(min(deadline, loop.time() + 2 * CLOSE_WAIT_S))
        done = await self._life.finish(deadline - loop.time())
        if not done:
            _log.error("calls were left to the sweeper", extra={"calls": self.calls})
            self._give_up()
        await self._life.cancel()
        return done

    def _give_up(self) -> None:
        """Count what goes with the worker."""
        lost = sum(call.endangered_bytes for call in self._calls.values())
        if lost:
            self._worker.health.lose("the worker ended before the store took it", lost)

    async def _drain(self, deadline: float) -> None:
        """Hear all sockets out: one may bring the start of a stream that nobody follows yet."""
        loop = asyncio.get_running_loop()
        while self._streams and loop.time() < deadline:
            for stream in list(self._streams):
                stream.leave()
            await asyncio.sleep(_LOOK_AGAIN_S)
