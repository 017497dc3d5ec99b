"""A call as this worker captures it: its streams in, journal and segments out, its end."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from chalicelib.errors import CallerError
from chalicelib.port_values import Joined, Joining
from chalicelib.recording.commands import Command
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef
from chalicelib.sink.length import StreamClock
from chalicelib.sink.orders import Orders
from chalicelib.sink.stream import Stream, instant
from chalicelib.sink.tasks import Tasks
from chalicelib.sink.wanted import Wanted
from chalicelib.sink.worker import Worker
from chalicelib.sink.writer import Cut

_ASK_AGAIN_S = 0.05
"""the shortest wait between two wishes to close, whatever the clocks say"""


class Call:
    """The streams of one call on this worker, however many and in whatever order they come."""

    def __init__(self, ref: CallRef, worker: Worker) -> None:
        self.ref = ref
        self._worker = worker
        self._streams: dict[str, Stream] = {}
        self._admitted: dict[str, StreamClock] = {}
        """streams whose media goes to the journal: joined ones, and those captured alone"""
        self._joined: set[str] = set()
        """streams whose joining was answered: until then nobody knows whether theirs is wanted"""
        self._wanted = Wanted()
        self._orders = Orders(self, self._wanted, worker.control)
        self._cuts: list[Cut] = []
        self._sealed: list[Cut] = []
        self._sealing = asyncio.Lock()
        self._number = 0
        """of the next segment"""
        self._long = Tasks()

    @property
    def is_live(self) -> bool:
        """Tell whether it has a stream here that hasn't ended."""
        return any(not stream.ended.is_set() for stream in self._streams.values())

    @property
    def is_storing(self) -> bool:
        """Tell whether a segment is on its way; what comes meanwhile goes into the next."""
        return self._sealing.locked()

    def safe_below(self, next_number: int) -> int:
        """Return the first journal number that may hold media of the call that no segment holds."""
        for cut in (*self._sealed, *self._cuts):
            if not cut.covered:
                return next_number if cut.number is None else cut.number
        return next_number

    async def follow(self, stream: Stream) -> None:
        """Live a stream's life: join the call, capture, end, and close the call if none is left."""
        self._streams[stream.opening.stream_key] = stream
        self._respect_pause()
        joined = await self._join(stream)
        if joined is not None:
            await stream.ended.wait()
            await self.store_segment()
            await self._end(stream)
            await self._close(joined.round)

    async def obey(self, command: Command) -> None:
        """Carry out a command. Raises NotFound."""
        await self._orders.obey(command)

    def now_us(self) -> int:
        """Return the time on the clock of its media's arrivals."""
        for stream in self._streams.values():
            return stream.now_us()
        return time.time_ns() // 1000

    def heed(self) -> None:
        """Take what came until now; from now on keep media exactly while it is wanted, and that of
        streams which still join unless all recordings pause."""
        self.cut()
        self._heed_joined()
        self._respect_pause()

    def cut(self) -> None:
        """Take what the streams received, for the journal and for the next segment."""
        heads, records = [], []
        for key, clock in self._admitted.items():
            received = self._streams[key].cut()
            if received:
                heads.append(self._streams[key].head())
                records += received
                clock.note(received)
        if records:
            cut = Cut(heads, records)
            self._cuts.append(cut)
            self._worker.held.hold(cut)
            self._worker.journal.add(cut)
        self._end_the_long()

    async def store_segment(self) -> None:
        """Store all that was received until now; return when it is stored."""
        async with self._sealing:
            self.cut()
            # Where the last put failed for good, its cuts are still there: they come first.
            self._sealed, self._cuts = [*self._sealed, *self._cuts], []
            if self._sealed:
                through = self._worker.journal.next_number - 1
                self._number = await self._worker.segments.put(
                    self.ref.key, self._number, self._sealed, through
                )
                self._worker.held.let_go(self._sealed)
                self._sealed = []

    # --- joining ---

    async def _join(self, stream: Stream) -> Joined | None:
        """Ask until the database answers; after 5 s the worker captures alone meanwhile."""
        loop = asyncio.get_running_loop()
        alone = loop.call_later(self._worker.limits.alone_after_s, self._admit, stream)
        try:
            joined = await self._worker.control.join(self._joining(stream))
        except CallerError as error:
            self._reject(stream, error.code)
            return None
        finally:
            alone.cancel()
        stream.correct(joined.encoding)
        self._admit(stream)
        self._joined.add(stream.opening.stream_key)
        self._wanted.learn(joined)
        self._heed_joined()
        if self._wanted.is_unheard and self._joined >= self._streams.keys():
            self._void()
        return joined

    def _joining(self, stream: Stream) -> Joining:
        opening, started = stream.opening, stream.started
        assert started is not None
        return Joining(
            call=self.ref,
            profile=opening.profile,
            stream_key=opening.stream_key,
            carrier_stream_id=started.carrier_stream_id,
            worker=self._worker.name,
            dialect=opening.dialect.name,
            tracks=started.tracks,
            encoding=started.encoding,
            rate_hz=started.rate_hz,
            labels=started.labels,
            opened_at=instant(stream.opened_us),
            journal_from=self._worker.journal.next_number,
        )

    def _admit(self, stream: Stream) -> None:
        assert stream.started is not None
        self._admitted.setdefault(
            stream.opening.stream_key, StreamClock(stream.opened_us, stream.started.rate_hz)
        )

    def _reject(self, stream: Stream, code: str) -> None:
        """Close a stream that may not join, and forget its media."""
        stream.refuse(code)
        stream.drop_media()
        self._forget(stream)
        if not self._streams:
            self._void()

    def _heed_joined(self) -> None:
        for key in self._joined:
            if self._wanted.is_any:
                self._streams[key].keep_media()
            else:
                self._streams[key].drop_media()

    def _respect_pause(self) -> None:
        """Let go the media of streams which still join: what is said in a pause is kept nowhere."""
        if self._wanted.is_paused:
            for stream in self._streams.values():
                stream.drop_media()

    def _void(self) -> None:
        """Forget what was captured alone: nobody wanted it."""
        self._worker.held.let_go(self._cuts)
        self._cuts = []

    # --- ending ---

    def _end_the_long(self) -> None:
        """Begin to end the recordings that have run their max_length."""
        now_us = time.time_ns() // 1000
        for recording_id, end_us in self._wanted.ended_by_length(self._admitted.values(), now_us):
            self._long.start(
                self._orders.end(
                    recording_id, Cause.MAX_LENGTH, end_us, self._worker.limits.elsewhere_s
                )
            )

    async def _end(self, stream: Stream) -> None:
        assert stream.ending is not None
        await self._worker.control.end_stream(
            self.ref, stream.opening.stream_key, stream.ending, instant(stream.ended_us)
        )
        self._forget(stream)

    async def _close(self, round_: int) -> None:
        """Ask to close the call until it is closed, or somebody else's to close."""
        await self._long.finish()
        await self._orders.finish()
        while not self.is_live:
            now = datetime.now(UTC)
            closing = await self._worker.control.close_call(self.ref, round_, now)
            if closing.closed or closing.retry_at is None:
                return
            wait_s = (closing.retry_at - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(wait_s, _ASK_AGAIN_S))

    def _forget(self, stream: Stream) -> None:
        del self._streams[stream.opening.stream_key]
        self._admitted.pop(stream.opening.stream_key, None)
        self._joined.discard(stream.opening.stream_key)
