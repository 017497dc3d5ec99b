"""A call as this worker captures it: from its streams to its journal and segments, and its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

from chalicelib.capture.records import Record
from chalicelib.errors import CallerError
from chalicelib.ports.values import JoinResult, OwnedElsewhere
from chalicelib.recording.instants import instant
from chalicelib.recording.model import CallRef
from chalicelib.sink.calls.active_recordings import ActiveRecordings
from chalicelib.sink.calls.auto_stop import AutoStop
from chalicelib.sink.calls.ownership import Ownership, join_request
from chalicelib.sink.calls.recording_commands import RecordingCommands
from chalicelib.sink.calls.stream_extent import StreamExtent
from chalicelib.sink.calls.worker_context import WorkerContext
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.runtime.soft_lock import SoftLock
from chalicelib.sink.runtime.tasks import Tasks
from chalicelib.sink.storage.batch import Batch
from chalicelib.sink.storage.call_buffer import CallBuffer
from chalicelib.sink.taps.call_taps import CallTaps

_TOGETHER_S = 0.1
"""a carrier's two sockets of a call end almost together: one segment has both"""

_ASK_AGAIN_S = 0.05
"""the shortest wait between two requests to close, whatever the clocks say"""


class LiveCall:
    """The streams of one call on this worker, however many and in whatever order they come."""

    def __init__(self, ref: CallRef, worker: WorkerContext) -> None:
        self.ref = ref
        self.fan_out = FanOut()
        self.taps = CallTaps(ref, self.fan_out, worker.senders)
        self._worker = worker
        self._control, self._database = worker.call_control, worker.database
        self._streams: dict[str, LiveStream] = {}
        """those that are live, are joining, or whose end isn't in the database"""
        self._admitted: dict[str, StreamExtent] = {}
        """streams whose media goes to the journal: joined ones, and those captured alone"""
        self._joined: set[str] = set()
        """streams that the database knows: only then is it known whether a recording needs them"""
        self._active = ActiveRecordings()
        self.recordings = RecordingCommands(self, self._active, worker)
        self._buffer = CallBuffer(ref.key, worker.journal, worker.segments, worker.health)
        self._unclosed: int | None = None
        """the session that would have been closed, had no stream come meanwhile"""
        self._was_alone = False
        """the database didn't answer: another worker may have a stream that isn't known yet"""
        self._closed = 0
        """the last session that was closed"""
        self._joining_lock, self._closing = SoftLock(), asyncio.Lock()
        """a call's two sockets begin and end together: of two transactions that meet, one fails"""
        self._tasks = Tasks()
        self._auto_stop = AutoStop(self.fan_out, self._active, self.recordings, worker, self._tasks)

    @property
    def is_live(self) -> bool:
        """Whether the call has a stream here that hasn't ended."""
        return any(not stream.ended.is_set() for stream in self._streams.values())

    @property
    def is_storing(self) -> bool:
        """Whether a task is storing its segments, one after the other."""
        return self._buffer.is_storing

    @property
    def endangered_bytes(self) -> int:
        """Return the media that would be lost if the worker ended now."""
        return self._buffer.endangered_bytes

    def safe_below(self, next_number: int) -> int:
        """Return the first journal number that may hold media of the call that no segment holds."""
        return self._buffer.safe_below(next_number)

    async def follow(self, stream: LiveStream) -> None:
        """Follow a stream to its end: join it to the call, capture it, end it, and close the call
        if it was the last. While another worker owns the call, forward the stream to that one."""
        ownership = Ownership(self.ref, self._worker, self._tasks)
        while isinstance(result := await self._join(stream, ownership.claims_over), OwnedElsewhere):
            self._forget(stream)
            if await ownership.forward(stream, result):
                result = None
                break
        if result is None:
            await self._close_if_empty()
            return
        ownership.note_captured_here()
        await stream.ended.wait()
        await asyncio.sleep(_TOGETHER_S if self.is_live else 0)
        await self.store_segment()
        await self._end(stream)
        await self._close(result.call_session)

    def now_us(self) -> int:
        """Return the time on the clock of its media's arrivals."""
        for stream in self._streams.values():
            return stream.now_us()
        return time.time_ns() // 1000

    def apply(self) -> None:
        """Collect what came until now. From now on keep the media of joined streams while a
        recording needs it, and that of joining ones unless all recordings are paused."""
        self.collect()
        self._apply_to_joined()
        self._apply_pause()
        self._auto_stop.attend(self._buffered)

    def collect(self) -> None:
        """Put what the streams received into a batch, for the journal and for the next segment."""
        heads, records = [], []
        for key, extent in self._admitted.items():
            received = self._streams[key].cut()
            if received:
                heads.append(self._streams[key].head())
                records += received
                extent.note(received)
        if records:
            self._buffer.hold(Batch(heads, records))
        self._auto_stop.look(self._admitted.values(), self.now_us())

    async def store_segment(self) -> None:
        """Store all that was received until now; return when it is stored."""
        self.collect()
        await self._buffer.store()

    async def seal_segment(self) -> None:
        """Make a segment of what was received until now; it waits for those before it."""
        self.collect()
        await self._buffer.seal()

    async def discard_media(self) -> None:
        """Discard all that was received until now and isn't stored, in the journal too."""
        self.collect()
        await self._buffer.discard()

    # --- joining ---

    async def _join(
        self, stream: LiveStream, claims_over: int
    ) -> JoinResult | OwnedElsewhere | None:
        """Ask until the database answers; after 5 s the worker captures alone meanwhile."""
        self._streams[stream.opening.stream_key] = stream
        self._apply_pause()
        stream.drop_before(self._active.paused_until_us)
        loop = asyncio.get_running_loop()
        alone = loop.call_later(self._worker.limits.alone_after_s, self._admit_alone, stream)
        try:
            async with self._joining_lock.held():
                result = await self._ask_to_join(stream, claims_over)
        except CallerError as error:
            self._reject(stream, error.code)
            return None
        finally:
            alone.cancel()
        if isinstance(result, OwnedElsewhere):
            return result
        stream.correct(result.encoding)
        stream.is_bidirectional = result.bidirectional
        self._admit(stream)
        self._joined.add(stream.opening.stream_key)
        self.fan_out.add_stream(stream)
        self._active.learn(result)
        self._apply_to_joined()
        self.taps.take_over(result.taps)
        self._auto_stop.attend(self._buffered)
        if self._active.had_none and self._joined >= self._streams.keys():
            self._buffer.void()
        return result

    async def _ask_to_join(
        self, stream: LiveStream, claims_over: int
    ) -> JoinResult | OwnedElsewhere:
        request = join_request(self.ref, stream, self._worker, claims_over)
        result = await self._database.call(self._control.join_call, request)
        can_go = stream.is_passable and stream.opening.stream_key not in self._admitted
        if isinstance(result, OwnedElsewhere) and not can_go:
            self._auto_stop.is_partial = True
            captured = replace(request, is_captured=True)
            result = await self._database.call(self._control.join_call, captured)
        return result

    def _admit_alone(self, stream: LiveStream) -> None:
        self._was_alone = True
        if not stream.is_unwanted:
            self._admit(stream)

    def _admit(self, stream: LiveStream) -> None:
        assert stream.started is not None
        self._admitted.setdefault(
            stream.opening.stream_key, StreamExtent(stream.opened_us, stream.started.rate_hz)
        )

    def _reject(self, stream: LiveStream, code: str) -> None:
        """Close a stream that may not join, and discard its media."""
        stream.refuse(code)
        stream.drop_media()
        self._forget(stream)
        if not self._streams:
            self._buffer.void()

    def _apply_to_joined(self) -> None:
        for key in self._joined:
            if self._active.is_any:
                self._streams[key].keep_media()
            else:
                self._streams[key].drop_media()

    def _apply_pause(self) -> None:
        """Discard the media of joining streams during a pause: a pause is kept nowhere."""
        if self._active.is_paused:
            for stream in self._streams.values():
                stream.drop_media()

    def _buffered(self) -> list[tuple[LiveStream, Record]]:
        """Return what came so far and no segment holds, with the streams that are still live."""
        self.collect()
        return [
            (self._streams[record.stream_key], record)
            for record in self._buffer.records
            if record.stream_key in self._streams
        ]

    # --- ending ---

    async def _end(self, stream: LiveStream) -> None:
        assert stream.ending is not None
        await self._database.call(
            self._control.end_stream,
            self.ref,
            stream.opening.stream_key,
            stream.ending,
            instant(stream.ended_us),
            in_segments=self._buffer.is_whole,
            segments=self._buffer.numbers,
            reason=stream.reason,
        )
        stream.let_go()
        self._forget(stream)

    async def _close(self, session: int) -> None:
        """Ask to close the call until it is closed, or another worker has the last stream."""
        self._unclosed = session
        if self._was_alone:
            await asyncio.sleep(self._worker.limits.rejoin_s)
            self._was_alone = False
        await self._tasks.finish()
        await self.recordings.finish()
        async with self._closing:
            await self._close_once(session)

    async def _close_once(self, session: int) -> None:
        while self._closed < session and not self._streams:
            now = datetime.now(UTC)
            closing = await self._database.call(self._control.close_call, self.ref, session, now)
            if closing.closed or closing.retry_at is None:
                self._unclosed = None
                self._closed = session if closing.closed else self._closed
                # Still open, with a stream: it came while the database was asked.
                if closing.closed or not self._streams:
                    await self.taps.finish()
                return
            wait_s = (closing.retry_at - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(wait_s, _ASK_AGAIN_S))

    async def _close_if_empty(self) -> None:
        """Close the call if the stream for which it stayed open was not captured here."""
        if self._unclosed is not None and not self._streams:
            await self._close(self._unclosed)

    def _forget(self, stream: LiveStream) -> None:
        self.fan_out.remove_stream(stream)
        del self._streams[stream.opening.stream_key]
        self._admitted.pop(stream.opening.stream_key, None)
        self._joined.discard(stream.opening.stream_key)
