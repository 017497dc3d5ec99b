"""Segments: one object per call and 100 s, and at each end.

From when a call's minute is over until the store has it, it is bytes that wait in the spool. One
call's segments are stored one after the other, in order; those of different calls side by side.
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
    """What is known of media without having it."""

    heads: list[StreamHead]
    records: list[Record]

    @classmethod
    def of(cls, batches: list[Batch]) -> LostMedia:
        """Return what is told of cuts that are lost."""
        return cls(newest_heads(batches), told_as_lost(all_records(batches)))


class SegmentStore:
    """The store's side of it, for all calls of a worker."""

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
        """Return the bytes that wait for the store, in memory and in files."""
        return self._spool.memory_bytes + self._spool.disk_bytes

    async def keep(self, batches: list[Batch], journal_through: int) -> SpooledSegment | None:
        """Make a segment of cuts, to wait for the store; None: there is no room for it."""
        size = sum(batch.size for batch in batches)
        heads, records = newest_heads(batches), all_records(batches)
        return await self._spool.keep(size, partial(self._encode, heads, records, journal_through))

    def keep_lost(self, lost: LostMedia, journal_through: int) -> SpooledSegment:
        """Make a segment that says what was received and is lost."""
        return self._spool.keep_small(self._encode(lost.heads, lost.records, journal_through))

    async def put(self, call_key: str, number: int, spooled: SpooledSegment) -> int | None:
        """Store a segment, however long it takes; return the number after the one that it got;
        None: what waited can't be read any more.

        It may be a later number: an earlier round of the call may have used hundreds, so each that
        is taken doubles the step. Numbers only have to grow.
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
                    await self._retry_pool.retry(partial(self._store.put, key, body))
                except PreconditionFailed:
                    number += step
                    step *= 2
                else:
                    return number + 1

    async def _read(self, spooled: SpooledSegment) -> bytes:
        in_memory = spooled.body
        return await self._retry_pool.once(spooled.read) if in_memory is None else in_memory

    def let_go(self, spooled: SpooledSegment) -> None:
        """Forget what is stored, or what nobody wants."""
        self._spool.let_go(spooled)

    def close(self) -> None:
        """Stop storing."""
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
