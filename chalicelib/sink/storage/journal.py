"""The journal: what was heard a moment ago, made durable once a second.

A `Cut` is what one call received between two ticks. It is referenced, never copied: the journal
holds it until its object is sealed, the call until a segment's bytes have it. What a stored segment
covers, the journal leaves out; where it can't keep up, it also leaves out what a segment that waits
for the store has: one copy is enough. A journal object may go when every cut in it is covered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial

from chalicelib.capture import container
from chalicelib.capture.container_index import Kind
from chalicelib.capture.records import Record, StreamHead
from chalicelib.ports.aws import MediaStore
from chalicelib.recording import keys
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.runtime.tasks import Tasks


class Cut:
    """What one call received since its last cut."""

    __slots__ = ("covered", "heads", "is_settled", "number", "records", "sealed", "size")

    def __init__(self, heads: list[StreamHead], records: list[Record]) -> None:
        self.heads = heads
        self.records = records
        self.size = sum(len(record.payload) for record in records)
        self.number: int | None = None
        """of the journal object that holds it"""
        self.is_settled = False
        """it has its number, or never will"""
        self.sealed = False
        """a segment's bytes have it"""
        self.covered = False
        """a stored segment has it, or nobody wants it, or it is lost"""

    def seal(self) -> None:
        """Note that a segment's bytes have it; let the media go unless the journal wants it."""
        self.sealed = True
        if self.is_settled:
            self._empty()

    def settle(self, number: int | None) -> None:
        """Note that the journal took it, or left it out; let the media go unless a segment wants
        it."""
        self.number, self.is_settled = number, True
        if self.sealed:
            self._empty()

    def cover(self) -> None:
        """Let the media go."""
        self.covered = True
        self._empty()

    def _empty(self) -> None:
        self.heads, self.records = [], []


class Journal:
    """Group commit: one object holds what all calls received since the last one."""

    def __init__(self, worker: str, store: MediaStore, health: Health, limits: Limits) -> None:
        self._worker = worker
        self._store = store
        self._limits = limits
        self._retry_pool = RetryPool("journal", limits.journal_puts, health, limits)
        self._pending: deque[Cut] = deque()
        self._puts = Tasks()
        self.next_number = 0
        """of the object that will be sealed next"""
        self.kept_from: int | None = None
        """the first object with media that no segment will ever hold"""

    def add(self, cut: Cut) -> None:
        """Take a cut; the next commit stores it."""
        while self._pending and self._pending[0].covered:
            self._pending.popleft()
        self._pending.append(cut)

    def keep_from(self, number: int) -> None:
        """Keep what is stored from an object on for as long as the worker lives."""
        self.kept_from = number if self.kept_from is None else min(self.kept_from, number)

    def commit(self) -> None:
        """Seal what is pending and begin to store it, as far as puts are free."""
        while self._pending and len(self._puts) < self._limits.journal_puts:
            cuts = self._take()
            if cuts:
                self._puts.start(self._put(self.next_number, newest_heads(cuts), all_records(cuts)))
                for cut in cuts:
                    cut.settle(self.next_number)
                self.next_number += 1
        if self._pending:
            self._pending = deque(cut for cut in self._pending if not _left_out(cut))

    async def close(self) -> None:
        """Stop storing."""
        await self._puts.cancel()
        self._retry_pool.close()

    def _take(self) -> list[Cut]:
        """Return the oldest pending cuts that no segment covers, up to an object's size."""
        cuts: list[Cut] = []
        size = 0
        while self._pending and size < self._limits.journal_bytes:
            cut = self._pending.popleft()
            if not cut.covered:
                cuts.append(cut)
                size += cut.size
        return cuts

    async def _put(self, number: int, heads: list[StreamHead], records: list[Record]) -> None:
        seal = partial(container.encode, heads, records, kind=Kind.JOURNAL, worker=self._worker)
        del heads, records  # a stored segment may let their media go while this one still waits
        body = await self._retry_pool.once(seal)
        del seal
        key = keys.journal_key(self._worker, number)
        await self._retry_pool.retry(partial(self._store.put, key, body))


def _left_out(cut: Cut) -> bool:
    """Tell whether the journal has no business with a cut any more."""
    if cut.sealed:
        cut.settle(None)
    return cut.sealed or cut.covered


def newest_heads(cuts: Sequence[Cut]) -> list[StreamHead]:
    """Return the head of each stream with its latest counts."""
    return list({head.stream_key: head for cut in cuts for head in cut.heads}.values())


def all_records(cuts: Sequence[Cut]) -> list[Record]:
    """Return what cuts hold, in order."""
    return [record for cut in cuts for record in cut.records]
