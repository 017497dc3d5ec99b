"""Stores segments: one object for every 100 s of a call, and one at the end of each stream.

A segment's bytes wait in the spool until the store has taken them. The segments of one call are
stored in order, one after the other; those of different calls side by side.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

from chalicelib.capture import container
from chalicelib.capture.container_index import Kind
from chalicelib.capture.losses import told_as_lost
from chalicelib.capture.records import Record, StreamHead
from chalicelib.errors import PreconditionFailed
from chalicelib.ports.aws import MediaStore
from chalicelib.recording import keys
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.storage.batch import Batch, all_records, newest_heads
from chalicelib.sink.storage.spool import STORE, Spool, SpooledSegment


class LostMedia(NamedTuple):
    """What a segment says of media that is lost."""

    heads: list[StreamHead]
    records: list[Record]

    @classmethod
    def of(cls, batches: list[Batch]) -> LostMedia:
        """Return what is said of batches that are lost."""
        return cls(newest_heads(batches), told_as_lost(all_records(batches)))


class SegmentStore:
    """Encodes, spools and stores the segments of all calls of a worker."""

    def __init__(
        self, worker: str, store: MediaStore, spool: Spool, health: Health, limits: Limits
    ) -> None:
        self._worker = worker
        self._store = store
        self._spool = spool
        self._retry_pool = RetryPool(STORE, limits.segment_puts, health, limits)
        self._slots = asyncio.Semaphore(limits.segment_puts)

    @property
    def waiting_bytes(self) -> int:
        """Count the bytes that wait for the store, in memory and in files."""
        return self._spool.memory_bytes + self._spool.disk_bytes

    async def keep(self, batches: list[Batch], journal_through: int) -> SpooledSegment | None:
        """Encode batches into a segment that waits for the store; None: the spool is full."""
        size = sum(batch.size for batch in batches)
        heads, records = newest_heads(batches), all_records(batches)
        return await self._spool.keep(size, partial(self._encode, heads, records, journal_through))

    def keep_lost(self, lost: LostMedia, journal_through: int) -> SpooledSegment:
        """Encode a segment that says what was received and is lost."""
        return self._spool.keep_small(self._encode(lost.heads, lost.records, journal_through))

    async def put(self, call_key: str, number: int, spooled: SpooledSegment) -> int | None:
        """Store a segment, however long it takes. Return the number after the one that it got;
        None: its file can't be read.

        The number may be a later one than asked for, because an earlier session of the call may
        have used hundreds. Every number in use doubles the step; numbers only have to grow.
        """
        async with self._slots:
            try:
                body = await self._read(spooled)
            except OSError:
                return None
            step = 1
            while True:
                key = keys.segment_key(call_key, self._worker, number)
                try:
                    await self._retry_pool.retry(self._store.put, key, body)
                except PreconditionFailed:
                    number += step
                    step *= 2
                else:
                    return number + 1

    async def _read(self, spooled: SpooledSegment) -> bytes:
        in_memory = spooled.body
        return await self._retry_pool.once(spooled.read) if in_memory is None else in_memory

    def let_go(self, spooled: SpooledSegment) -> None:
        """Give the spool the room of a segment back."""
        self._spool.let_go(spooled)

    def close(self) -> None:
        """End the threads, and delete what is spooled."""
        self._retry_pool.close()
        self._spool.close()

    def _encode(
        self, heads: list[StreamHead], records: list[Record], journal_through: int
    ) -> bytes:
        return container.encode(
            heads,
            records,
            kind=Kind.SEGMENT,
            worker=self._worker,
            journal_through=journal_through,
        )
