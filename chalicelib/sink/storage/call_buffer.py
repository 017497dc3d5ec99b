"""One call's media from its batches to its stored segments, oldest first.

Every 100 s a call's batches are sealed into a segment, whether or not the store takes any. A sealed
segment is encoded at once, and its bytes wait in the spool for their turn. When the spool is full
the newest segment is lost: what the journal has of it stays there, and for the rest a segment
without payload says what is missing.
"""

from __future__ import annotations

import asyncio
from collections import deque

from chalicelib.capture.records import Record
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.storage.batch import Batch, newest_heads
from chalicelib.sink.storage.journal import Journal
from chalicelib.sink.storage.pending_segment import PendingSegment, SegmentState
from chalicelib.sink.storage.segment_store import LostMedia, SegmentStore

NO_ROOM = "no room while the store is away"
UNREADABLE = "the spool can't be read"


class SegmentNumbers:
    """The numbers under which a worker stored a call's segments, while they have no gap."""

    def __init__(self) -> None:
        self.following = 0
        """the number to try for the next segment"""
        self._first: int | None = None
        self._is_contiguous = True

    def note(self, following: int) -> None:
        """Take note of a segment that was stored under the number before `following`."""
        used = following - 1
        if self._first is None:
            self._first = used
        self._is_contiguous &= used in (self._first, self.following)
        self.following = following

    @property
    def span(self) -> tuple[int, int] | None:
        """Return the first and the one after the last; None when they have a gap."""
        first = self.following if self._first is None else self._first
        return (first, self.following) if self._is_contiguous else None


class CallBuffer:
    """What one call received and no stored segment has."""

    def __init__(
        self, call_key: str, journal: Journal, segments: SegmentStore, health: Health
    ) -> None:
        self._call_key = call_key
        self._journal = journal
        self._segments = segments
        self._health = health
        self._open: list[Batch] = []
        self._pending: deque[PendingSegment] = deque()
        self._encoding = asyncio.Lock()
        self._storing = asyncio.Lock()
        self._numbers = SegmentNumbers()
        self._left_from: int | None = None
        """the first journal object that alone has some of the media"""

    @property
    def is_storing(self) -> bool:
        """Whether a task is storing the pending segments, one after the other."""
        return self._storing.locked()

    @property
    def is_whole(self) -> bool:
        """Whether segments have, or will have, all that was stored."""
        return self._left_from is None

    @property
    def numbers(self) -> tuple[int, int] | None:
        """Return the numbers of the first stored segment and of the one after the last; None if the
        numbers have a gap."""
        return self._numbers.span

    @property
    def records(self) -> list[Record]:
        """Return what was received and whose media is still needed here."""
        batches = [batch for segment in self._pending for batch in segment.batches] + self._open
        return [record for batch in batches for record in batch.records]

    @property
    def endangered_bytes(self) -> int:
        """Return the media that would be lost if the worker ended now."""
        for segment in self._pending:
            segment.settle()
        spooled = sum(segment.size for segment in self._pending if segment.first_number is None)
        return spooled + sum(batch.size for batch in self._open if batch.number is None)

    def safe_below(self, next_number: int) -> int:
        """Return the first journal number that may hold media which no stored segment has."""
        for segment in self._pending:
            segment.settle()
            if segment.first_number is not None:
                return segment.first_number
            if segment.batches:
                return next_number
        for batch in self._open:
            return next_number if batch.number is None else batch.number
        return next_number

    def hold(self, batch: Batch) -> None:
        """Take a batch, for the journal and for the next segment."""
        self._open.append(batch)
        self._journal.add(batch)

    async def seal(self) -> None:
        """Make a segment of the open batches; return when its bytes wait for the store."""
        self._close_open()
        for segment in list(self._pending):
            await self._encode(segment)

    async def store(self) -> None:
        """Store all that was received until now; return when it is stored.

        The task that stores waits for room only while no earlier segment of the call has any: if it
        waited for a later segment, nothing would free the room that the earlier ones take.
        """
        self._close_open()
        if self._storing.locked():
            await self.seal()
        async with self._storing:
            while self._pending:
                if self._pending[0].state is SegmentState.SEALED:
                    await self._encode(self._pending[0])
                else:
                    await self._store_first()

    def void(self) -> None:
        """Discard the open batches: no recording needed them."""
        for batch in self._open:
            batch.cover()
        self._open = []

    async def discard(self) -> None:
        """Discard all that isn't stored; return when no put is under way."""
        self.void()
        async with self._encoding:
            for segment in [one for one in self._pending if not one.is_storing]:
                self._pending.remove(segment)
                segment.discard()
                self._free(segment)
        async with self._storing:
            return

    def _close_open(self) -> None:
        """Make a pending segment of the open batches."""
        if self._open:
            self._pending.append(PendingSegment(self._open, self._journal.next_number - 1))
            self._open = []

    async def _encode(self, segment: PendingSegment) -> None:
        """Encode a segment unless that was done; the lock is free between two segments."""
        async with self._encoding:
            if segment.state is SegmentState.SEALED:
                await self._keep(segment)

    async def _keep(self, segment: PendingSegment) -> None:
        through = self._covered_through(segment)
        spooled = await self._segments.keep(segment.batches, through)
        if spooled is None:
            self._lose(segment)
        else:
            segment.spool(spooled)

    async def _store_first(self) -> None:
        segment = self._pending[0]
        body = segment.begin_put()
        try:
            following = await self._segments.put(self._call_key, self._numbers.following, body)
        except BaseException:
            segment.abandon_put()
            raise
        if following is None:
            self._replace_unreadable(segment)
            return
        self._numbers.note(following)
        self._pending.popleft()
        segment.finish()
        self._free(segment)

    def _free(self, segment: PendingSegment) -> None:
        """Give the spool its room back."""
        if segment.spooled is not None:
            self._segments.let_go(segment.spooled)

    def _lose(self, segment: PendingSegment) -> None:
        """Leave a segment's media to the journal, as far as that has it; the rest is lost."""
        lost = [batch for batch in segment.batches if batch.number is None]
        numbers = [batch.number for batch in segment.batches if batch.number is not None]
        for number in numbers[:1]:
            self._left_from = number if self._left_from is None else min(self._left_from, number)
            self._journal.keep_from(number)
        if lost:
            self._health.lose(NO_ROOM, sum(batch.size for batch in lost))
        told = LostMedia(newest_heads(segment.batches), LostMedia.of(lost).records)
        segment.replace(self._segments.keep_lost(told, self._covered_through(segment)))

    def _replace_unreadable(self, segment: PendingSegment) -> None:
        """Replace a segment whose file can't be read by one that says what is missing."""
        assert segment.lost_media is not None
        self._health.lose(UNREADABLE, segment.size)
        self._free(segment)
        through = self._covered_through(segment)
        segment.replace(self._segments.keep_lost(segment.lost_media, through))

    def _covered_through(self, segment: PendingSegment) -> int:
        """Return the journal number up to which a segment may claim to cover its call."""
        through = segment.through
        return through if self._left_from is None else min(through, self._left_from - 1)
