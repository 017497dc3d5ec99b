"""A call as this worker captures it: its streams in, journal and segments out, its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

from chalicelib.capture.records import Record
from chalicelib.errors import CallerError
from chalicelib.ports.values import JoinRequest, JoinResult, OwnedElsewhere
from chalicelib.recording.commands import Command
from chalicelib.recording.instants import instant
from chalicelib.recording.model import CallRef
from chalicelib.sink.calls.active_recordings import Wanted
from chalicelib.sink.calls.auto_stop import Endings
from chalicelib.sink.calls.command_handler import Orders
from chalicelib.sink.calls.max_length import StreamClock
from chalicelib.sink.calls.ownership import Passing
from chalicelib.sink.calls.worker_context import Worker
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.runtime.soft_lock import SoftLock
from chalicelib.sink.runtime.tasks import Tasks
from chalicelib.sink.storage.batch import Batch
from chalicelib.sink.storage.call_buffer import CallBuffer
from chalicelib.sink.taps.call_taps import Taps

_TOGETHER_S = 0.1
"""a carrier's two sockets of a call end at once, more or less: one segment has both"""

_ASK_AGAIN_S = 0.05
"""the shortest wait between two wishes to close, whatever the clocks say"""


class Call:
    """The streams of one call on this worker, however many and in whatever order they come."""

    def __init__(self, ref: CallRef, worker: Worker) -> None:
        self.ref = ref
        self.fan_out = FanOut()
        self.taps = Taps(ref, self.fan_out, worker.senders)
        self._worker = worker
        self._streams: dict[str, LiveStream] = {}
        """those that live, still join, or aren't noted as ended"""
        self._admitted: dict[str, StreamClock] = {}
        """streams whose media goes to the journal: joined ones, and those captured alone"""
        self._joined: set[str] = set()
        """streams whose joining was answered: until then nobody knows whether theirs is wanted"""
        self._wanted = Wanted()
        self._orders = Orders(self, self._wanted, worker.control)
        self._buffer = CallBuffer(ref.key, worker.journal, worker.segments, worker.health)
        self._unclosed: int | None = None
        """the round that would have been closed, had no stream come meanwhile"""
        self._was_alone = False
        """the database was away: another worker may have a stream that nobody knows of yet"""
        self._closed = 0
        """the last round that was closed"""
        self._joining_lock, self._closing = SoftLock(), asyncio.Lock()
        """two sockets of a call begin and end at once: of transactions that meet one fails"""
        self._long = Tasks()
        self._endings = Endings(self.fan_out, self._wanted, self._orders, worker, self._long)

    @property
    def is_live(self) -> bool:
        """Tell whether a stream is here that hasn't ended."""
        return any(not stream.ended.is_set() for stream in self._streams.values())

    @property
    def is_storing(self) -> bool:
        """Tell whether somebody stores its segments, one after the other."""
        return self._buffer.is_storing

    @property
    def endangered_bytes(self) -> int:
        """Return the media that would be lost if the worker ended now."""
        return self._buffer.endangered_bytes

    def safe_below(self, next_number: int) -> int:
        """Return the first journal number that may hold media of the call that no segment holds."""
        return self._buffer.safe_below(next_number)

    async def follow(self, stream: LiveStream) -> None:
        """Live a stream's life: join the call, capture, end, and close the call if none is left; or
        pass it on while another worker owns the call."""
        passing = Passing(self.ref, self._worker, self._long)
        while isinstance(joined := await self._join(stream, passing.over_epoch), OwnedElsewhere):
            self._forget(stream)
            if await passing.pass_on(stream, joined):
                joined = None
                break
        if joined is None:
            await self._close_after_all()
            return
        passing.arrived()
        await stream.ended.wait()
        await asyncio.sleep(_TOGETHER_S if self.is_live else 0)
        await self.store_segment()
        await self._end(stream)
        await self._close(joined.round)

    async def obey(self, command: Command) -> None:
        """Carry out a command. Raises NotFound."""
        await (self.taps if self.taps.are_meant(command) else self._orders).obey(command)

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
        self._endings.attend(self._kept)

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
            self._buffer.hold(Batch(heads, records))
        self._endings.look(self._admitted.values(), self.now_us())

    async def store_segment(self) -> None:
        """Store all that was received until now; return when it is stored."""
        self.cut()
        await self._buffer.store()

    async def seal_segment(self) -> None:
        """Let what was received until now be a segment that waits for those before it."""
        self.cut()
        await self._buffer.seal()

    async def let_go(self) -> None:
        """Forget all that was received until now and isn't stored: the journal's may go, too."""
        self.cut()
        await self._buffer.discard()

    # --- joining ---

    async def _join(
        self, stream: LiveStream, over_epoch: int
    ) -> JoinResult | OwnedElsewhere | None:
        """Ask until the database answers; after 5 s the worker captures alone meanwhile."""
        self._streams[stream.opening.stream_key] = stream
        self._respect_pause()
        stream.drop_before(self._wanted.paused_until_us)
        loop = asyncio.get_running_loop()
        alone = loop.call_later(self._worker.limits.alone_after_s, self._admit_alone, stream)
        try:
            async with self._joining_lock.held():
                joined = await self._ask_to_join(stream, over_epoch)
        except CallerError as error:
            self._reject(stream, error.code)
            return None
        finally:
            alone.cancel()
        if isinstance(joined, OwnedElsewhere):
            return joined
        stream.correct(joined.encoding)
        stream.is_bidirectional = joined.bidirectional
        self._admit(stream)
        self._joined.add(stream.opening.stream_key)
        self.fan_out.add_stream(stream)
        self._wanted.learn(joined)
        self._heed_joined()
        self.taps.take_over(joined.taps)
        self._endings.attend(self._kept)
        if self._wanted.is_unheard and self._joined >= self._streams.keys():
            self._buffer.void()
        return joined

    async def _ask_to_join(
        self, stream: LiveStream, over_epoch: int
    ) -> JoinResult | OwnedElsewhere:
        joining = self._joining(stream, over_epoch)
        joined = await self._worker.control.join(joining)
        can_go = stream.is_passable and stream.opening.stream_key not in self._admitted
        if isinstance(joined, OwnedElsewhere) and not can_go:
            self._endings.is_partial = True
            joined = await self._worker.control.join(replace(joining, is_captured=True))
        return joined

    def _joining(self, stream: LiveStream, over_epoch: int) -> JoinRequest:
        opening, started = stream.opening, stream.started
        assert started is not None
        return JoinRequest(
            call=self.ref,
            profile=opening.profile,
            stream_key=opening.stream_key,
            carrier_stream_id=started.carrier_stream_id,
            worker=self._worker.name,
            dialect=opening.dialect,
            tracks=started.tracks,
            encoding=started.encoding,
            rate_hz=started.rate_hz,
            labels=started.labels,
            opened_at=instant(stream.opened_us),
            journal_from=self._worker.journal.next_number,
            address=self._worker.forwarding_client.address,
            over_epoch=over_epoch,
        )

    def _admit_alone(self, stream: LiveStream) -> None:
        self._was_alone = True
        if not stream.is_unwanted:
            self._admit(stream)

    def _admit(self, stream: LiveStream) -> None:
        assert stream.started is not None
        self._admitted.setdefault(
            stream.opening.stream_key, StreamClock(stream.opened_us, stream.started.rate_hz)
        )

    def _reject(self, stream: LiveStream, code: str) -> None:
        """Close a stream that may not join, and forget its media."""
        stream.refuse(code)
        stream.drop_media()
        self._forget(stream)
        if not self._streams:
            self._buffer.void()

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

    def _kept(self) -> list[tuple[LiveStream, Record]]:
        """Return what came so far and no segment holds, with the streams that still live."""
        self.cut()
        return [
            (self._streams[record.stream_key], record)
            for record in self._buffer.records
            if record.stream_key in self._streams
        ]

    # --- ending ---

    async def _end(self, stream: LiveStream) -> None:
        assert stream.ending is not None
        await self._worker.control.end_stream(
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

    async def _close(self, round_: int) -> None:
        """Ask to close the call until it is closed, or somebody else's: the last stream's here."""
        self._unclosed = round_
        if self._was_alone:
            await asyncio.sleep(self._worker.limits.rejoin_s)
            self._was_alone = False
        await self._long.finish()
        await self._orders.finish()
        async with self._closing:
            await self._close_once(round_)

    async def _close_once(self, round_: int) -> None:
        while self._closed < round_ and not self._streams:
            now = datetime.now(UTC)
            closing = await self._worker.control.close_call(self.ref, round_, now)
            if closing.closed or closing.retry_at is None:
                self._unclosed = None
                self._closed = round_ if closing.closed else self._closed
                # Open, and it has one again: a stream came while the database was asked.
                if closing.closed or not self._streams:
                    await self.taps.finish()
                return
            wait_s = (closing.retry_at - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(wait_s, _ASK_AGAIN_S))

    async def _close_after_all(self) -> None:
        """Close the call where the stream for which it stayed open came to nothing here."""
        if self._unclosed is not None and not self._streams:
            await self._close(self._unclosed)

    def _forget(self, stream: LiveStream) -> None:
        self.fan_out.remove_stream(stream)
        del self._streams[stream.opening.stream_key]
        self._admitted.pop(stream.opening.stream_key, None)
        self._joined.discard(stream.opening.stream_key)
