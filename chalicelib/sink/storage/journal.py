"""The journal: once a second, what all calls of a worker received becomes durable.

The journal leaves out what a stored segment covers. When it can't keep up, it also leaves out what
a segment's bytes already have: one copy is enough. A journal object can be deleted when every batch
in it is covered.
"""

from __future__ import annotations

from collections import deque
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
from chalicelib.sink.storage.batch import Batch, all_records, newest_heads


class Journal:
    """Group commit: one object holds what all calls received since the last one."""

    def __init__(self, worker: str, store: MediaStore, health: Health, limits: Limits) -> None:
        self._worker = worker
        self._store = store
        self._limits = limits
        self._retry_pool = RetryPool("journal", limits.journal_puts, health, limits)
        self._pending: deque[Batch] = deque()
        self._puts = Tasks()
        self.next_number = 0
        """of the object that the next commit stores"""
        self.kept_from: int | None = None
        """the first object with media that no segment will ever hold"""

    def add(self, batch: Batch) -> None:
        """Take a batch; the next commit stores it."""
        while self._pending and self._pending[0].is_covered:
            self._pending.popleft()
        self._pending.append(batch)

    def keep_from(self, number: int) -> None:
        """Keep the objects from this number on for as long as the worker lives."""
        self.kept_from = number if self.kept_from is None else min(self.kept_from, number)

    def commit(self) -> None:
        """Begin to store what is pending, as many objects at once as puts are free."""
        while self._pending and len(self._puts) < self._limits.journal_puts:
            batches = self._take()
            if batches:
                self._puts.start(
                    self._put(self.next_number, newest_heads(batches), all_records(batches))
                )
                for batch in batches:
                    batch.journal(self.next_number)
                self.next_number += 1
        if self._pending:
            self._pending = deque(batch for batch in self._pending if not batch.leave_out())

    async def close(self) -> None:
        """Stop storing."""
        await self._puts.cancel()
        self._retry_pool.close()

    def _take(self) -> list[Batch]:
        """Return the oldest pending batches that no segment covers, up to an object's size."""
        batches: list[Batch] = []
        size = 0
        while self._pending and size < self._limits.journal_bytes:
            batch = self._pending.popleft()
            if not batch.is_covered:
                batches.append(batch)
                size += batch.size
        return batches

    async def _put(self, number: int, heads: list[StreamHead], records: list[Record]) -> None:
        encode = partial(container.encode, heads, records, kind=Kind.JOURNAL, worker=self._worker)
        del heads, records  # a stored segment may release their media while this put still waits
        body = await self._retry_pool.once(encode)
        del encode
        key = keys.journal_key(self._worker, number)
        await self._retry_pool.retry(self._store.put, key, body)
