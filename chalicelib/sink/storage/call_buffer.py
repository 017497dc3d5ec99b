"""One call's media from its cuts to its stored segments, oldest first.

A call's cuts are sealed every 100 s, whatever the store does; sealed ones become a
segment's bytes at once and wait in the spool for their turn. Where the spool has no room, the
newest segment is what is lost: what its journal objects hold is left to them, and of the rest a
segment without payload says what is missing.
"""

from __future__ import annotations

import asyncio
from collections import deque

from chalicelib.capture.records import Record
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.segment_numbers import SegmentNumbers
from chalicelib.sink.storage.journal import Cut, Journal, newest_heads
from chalicelib.sink.storage.segment_store import Facts, Segments
from chalicelib.sink.storage.spool import Waiting

NO_ROOM = "no room while the store is away"
UNREADABLE = "the spool can't be read"


class _Sealed:
    """A segment that isn't stored yet."""

    __slots__ = ("cuts", "facts", "first_number", "size", "through", "waiting")

    def __init__(self, cuts: list[Cut], through: int) -> None:
        self.cuts = cuts
        self.through = through
        """what it says of the journal"""
        self.size = sum(cut.size for cut in cuts)
        self.waiting: Waiting | None = None
        """its bytes, once they are made"""
        self.facts: Facts | None = None
        """should its file not be readable"""
        self.first_number: int | None = None
        """of the journal object that holds the first of its cuts that any holds"""

    def settle(self) -> None:
        """Forget the cuts that the journal has no more business with."""
        if self.first_number is None:
            numbers = (cut.number for cut in self.cuts if cut.number is not None)
            self.first_number = next(numbers, None)
        if self.waiting is not None and all(cut.is_settled for cut in self.cuts):
            self.cuts = []

    def cover(self) -> None:
        """Let the media go."""
        for cut in self.cuts:
            cut.cover()


class CallMedia:
    """What one call received and no stored segment holds."""

    def __init__(self, call_key: str, journal: Journal, segments: Segments, health: Health) -> None:
        self._call_key = call_key
        self._journal = journal
        self._segments = segments
        self._health = health
        self._open: list[Cut] = []
        self._sealed: deque[_Sealed] = deque()
        self._making = asyncio.Lock()
        self._storing = asyncio.Lock()
        self._under_way: _Sealed | None = None
        """the one that the store is asked to take"""
        self._numbers = SegmentNumbers()
        self._left_from: int | None = None
        """the journal object from which on some media is in the journal alone"""

    @property
    def is_storing(self) -> bool:
        """Tell whether somebody stores all that is sealed, one after the other."""
        return self._storing.locked()

    @property
    def is_whole(self) -> bool:
        """Tell whether segments have all that was stored, or will."""
        return self._left_from is None

    @property
    def numbers(self) -> tuple[int, int] | None:
        """Return the number of the first stored segment and the one after the last, where none
        between them was skipped."""
        return self._numbers.told

    @property
    def records(self) -> list[Record]:
        """Return what came so far and neither a segment's bytes nor anything else has."""
        cuts = [cut for sealed in self._sealed for cut in sealed.cuts] + self._open
        return [record for cut in cuts for record in cut.records]

    @property
    def endangered_bytes(self) -> int:
        """Return the media that would be lost if the worker ended now."""
        for sealed in self._sealed:
            sealed.settle()
        waiting = sum(sealed.size for sealed in self._sealed if sealed.first_number is None)
        return waiting + sum(cut.size for cut in self._open if cut.number is None)

    def safe_below(self, next_number: int) -> int:
        """Return the first journal number that may hold media that no segment holds."""
        for sealed in self._sealed:
            sealed.settle()
            if sealed.first_number is not None:
                return sealed.first_number
            if sealed.cuts:
                return next_number
        for cut in self._open:
            return next_number if cut.number is None else cut.number
        return next_number

    def hold(self, cut: Cut) -> None:
        """Take what the call received."""
        self._open.append(cut)
        self._journal.add(cut)

    async def seal(self) -> None:
        """End the segment that is open; return when its bytes wait for the store."""
        if self._open:
            self._sealed.append(_Sealed(self._open, self._journal.next_number - 1))
            self._open = []
        await self._make_all()

    async def store(self) -> None:
        """Store all that was received until now; return when it is stored."""
        await self.seal()
        async with self._storing:
            while self._sealed:
                # Where making one failed, it is made now.
                await self._make_all()
                if self._sealed:
                    await self._store_first()

    def void(self) -> None:
        """Forget what no segment holds yet: nobody wanted it."""
        for cut in self._open:
            cut.cover()
        self._open = []

    async def let_go(self) -> None:
        """Forget all that isn't stored; return when none is on its way to the store."""
        self.void()
        async with self._making:
            for sealed in [one for one in self._sealed if one is not self._under_way]:
                self._sealed.remove(sealed)
                self._forget(sealed)
        async with self._storing:
            return

    async def _make_all(self) -> None:
        async with self._making:
            for sealed in list(self._sealed):
                if sealed.waiting is None:
                    await self._make(sealed)

    async def _make(self, sealed: _Sealed) -> None:
        waiting = await self._segments.keep(sealed.cuts, self._honest(sealed.through))
        if waiting is None:
            self._lose(sealed)
            return
        if waiting.file is not None:
            sealed.facts = Facts.of(sealed.cuts)
        sealed.waiting = waiting
        for cut in sealed.cuts:
            cut.seal()

    async def _store_first(self) -> None:
        sealed = self._under_way = self._sealed[0]
        assert sealed.waiting is not None
        try:
            following = await self._segments.put(
                self._call_key, self._numbers.following, sealed.waiting
            )
        finally:
            self._under_way = None
        if following is None:
            self._tell_unreadable(sealed)
            return
        self._numbers.note(following)
        self._sealed.popleft()
        self._forget(sealed)

    def _forget(self, sealed: _Sealed) -> None:
        for cut in sealed.cuts:
            cut.cover()
        if sealed.waiting is not None:
            self._segments.let_go(sealed.waiting)

    def _lose(self, sealed: _Sealed) -> None:
        """Leave a segment's media to the journal, as far as that has it; the rest is lost."""
        lost = [cut for cut in sealed.cuts if cut.number is None]
        for number in [cut.number for cut in sealed.cuts if cut.number is not None][:1]:
            self._left_from = number if self._left_from is None else min(self._left_from, number)
            self._journal.keep_from(number)
        if lost:
            self._health.lose(NO_ROOM, sum(cut.size for cut in lost))
        facts = Facts(newest_heads(sealed.cuts), Facts.of(lost).records)
        sealed.waiting = self._segments.keep_facts(facts, self._honest(sealed.through))
        for cut in sealed.cuts:
            cut.cover()
        sealed.cuts = []

    def _tell_unreadable(self, sealed: _Sealed) -> None:
        """Put a segment that says what is missing in the place of one that can't be read."""
        assert sealed.facts is not None
        self._health.lose(UNREADABLE, sealed.size)
        self._forget(sealed)
        sealed.waiting = self._segments.keep_facts(sealed.facts, self._honest(sealed.through))

    def _honest(self, through: int) -> int:
        """Return up to which number segments may say that they have what the journal has."""
        return through if self._left_from is None else min(through, self._left_from - 1)
