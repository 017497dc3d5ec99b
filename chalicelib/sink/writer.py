"""Journal and segments: what was heard, made durable.

A `Cut` is what one call received between two ticks. It is referenced, never copied: the journal
holds it until its object is sealed, the call until a segment of it is stored; what a stored segment
covers, the journal leaves out. A journal object may go when every cut in it is covered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

from chalicelib.capture import container
from chalicelib.capture.container import Kind
from chalicelib.capture.record import Record, StreamHead
from chalicelib.errors import PreconditionFailed
from chalicelib.ports import MediaStore
from chalicelib.recording import naming
from chalicelib.sink.health import Health
from chalicelib.sink.limits import Limits
from chalicelib.sink.patience import Patient
from chalicelib.sink.tasks import Tasks


class Cut:
    """What one call received since its last cut."""

    __slots__ = ("covered", "heads", "number", "records", "size")

    def __init__(self, heads: list[StreamHead], records: list[Record]) -> None:
        self.heads = heads
        self.records = records
        self.size = sum(len(record.payload) for record in records)
        self.number: int | None = None
        """of the journal object that holds it"""
        self.covered = False
        """a stored segment holds it, or nobody wants it"""

    def cover(self) -> None:
        """Let the media go."""
        self.covered = True
        self.heads, self.records = [], []


class Held:
    """All cuts that wait for their segment, oldest first, and a bound on them."""

    def __init__(self, health: Health, limits: Limits) -> None:
        self._cuts: deque[Cut] = deque()
        self._bytes = 0
        self._health = health
        self._limits = limits

    def hold(self, cut: Cut) -> None:
        """Count a cut."""
        self._cuts.append(cut)
        self._bytes += cut.size

    def let_go(self, cuts: list[Cut]) -> None:
        """Cover cuts that are stored, or that nobody wants."""
        for cut in cuts:
            if not cut.covered:
                self._bytes -= cut.size
                cut.cover()

    def enforce(self, usual_bytes: int) -> None:
        """Drop the oldest media beyond what is usual and the bound together."""
        cuts, most = self._cuts, usual_bytes + self._limits.held_bytes
        lost = 0
        while cuts and (cuts[0].covered or self._bytes > most):
            cut = cuts.popleft()
            if not cut.covered:
                lost += cut.size
                self.let_go([cut])
        if lost:
            self._health.lose("the store takes no segments", lost)


class Journal:
    """Group commit: one object holds what all calls received since the last one."""

    def __init__(self, worker: str, store: MediaStore, health: Health, limits: Limits) -> None:
        self._worker = worker
        self._store = store
        self._limits = limits
        self._patient = Patient("journal", limits.journal_puts, health, limits)
        self._pending: deque[Cut] = deque()
        self._puts = Tasks()
        self.next_number = 0
        """of the object that will be sealed next"""

    def add(self, cut: Cut) -> None:
        """Take a cut; the next commit stores it."""
        while self._pending and self._pending[0].covered:
            self._pending.popleft()
        self._pending.append(cut)

    def commit(self) -> None:
        """Seal what is pending and begin to store it, as far as puts are free."""
        while self._pending and len(self._puts) < self._limits.journal_puts:
            cuts = self._take()
            if cuts:
                self._puts.start(self._put(self.next_number, cuts))
                self.next_number += 1

    async def close(self) -> None:
        """Stop storing."""
        await self._puts.cancel()
        self._patient.close()

    def _take(self) -> list[Cut]:
        """Return the oldest pending cuts that no segment covers, up to an object's size."""
        cuts: list[Cut] = []
        size = 0
        while self._pending and size < self._limits.journal_bytes:
            cut = self._pending.popleft()
            if not cut.covered:
                cut.number = self.next_number
                cuts.append(cut)
                size += cut.size
        return cuts

    async def _put(self, number: int, cuts: list[Cut]) -> None:
        seal = partial(
            container.encode,
            _newest_heads(cuts),
            _all_records(cuts),
            kind=Kind.JOURNAL,
            worker=self._worker,
        )
        del cuts  # a stored segment may let their media go while this object still waits
        body = await self._patient.once(seal)
        del seal
        key = naming.journal_key(self._worker, number)
        await self._patient.until_done(partial(self._store.put, key, body))


class Segments:
    """One object per call and minute, and at each end; its media is kept until it is stored."""

    def __init__(self, worker: str, store: MediaStore, health: Health, limits: Limits) -> None:
        self._worker = worker
        self._store = store
        self._patient = Patient("segments", limits.segment_puts, health, limits)
        self._slots = asyncio.Semaphore(limits.segment_puts)

    async def put(self, call_key: str, number: int, cuts: list[Cut], journal_through: int) -> int:
        """Store cuts, however long it takes; return the number after the one that they got."""
        async with self._slots:
            body = await self._patient.once(
                partial(
                    container.encode,
                    _newest_heads(cuts),
                    _all_records(cuts),
                    kind=Kind.SEGMENT,
                    worker=self._worker,
                    journal_through=journal_through,
                )
            )
            return await self._put(call_key, number, body)

    def close(self) -> None:
        """Stop storing."""
        self._patient.close()

    async def _put(self, call_key: str, number: int, body: bytes) -> int:
        """Store under a free number: an earlier round of the call may have used hundreds, so each
        that is taken doubles the step. Numbers only have to grow."""
        step = 1
        while True:
            key = naming.segment_key(call_key, self._worker, number)
            try:
                await self._patient.until_done(partial(self._store.put, key, body))
            except PreconditionFailed:
                number += step
                step *= 2
            else:
                return number + 1


def _newest_heads(cuts: list[Cut]) -> list[StreamHead]:
    return list({head.stream_key: head for cut in cuts for head in cut.heads}.values())


def _all_records(cuts: list[Cut]) -> list[Record]:
    return [record for cut in cuts for record in cut.records]
