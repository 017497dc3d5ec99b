"""Holds segments that wait for the store: first in memory, then in files; both are bounded.

`segment_store.py` puts them, again and again while the store refuses (`runtime/retrying.py`).

The files are temporary and have no name. They are written one after the other, deleted when all
that they hold is stored, and vanish with the process, whatever ends it. So no audio is left on a
disk, and none is uploaded after a restart: on Fargate the disk vanishes with its task anyway.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits

T = TypeVar("T")

_PART = "spool"
STORE = "segments"
"""the part that is degraded while the store takes no segments"""
_LOOK_AGAIN_S = 0.5

FILE_BYTES = 64 * 1024 * 1024
"""at which a file is full: an hour of 250 calls needs some 230 files"""


class SpooledSegment:
    """A segment's bytes, in memory or in a file."""

    __slots__ = ("body", "file", "offset", "size")

    def __init__(self, body: bytes) -> None:
        self.body: bytes | None = body
        """None: they are in the file"""
        self.file: _File | None = None
        self.offset = 0
        self.size = len(body)

    def read(self) -> bytes:
        """Return the bytes; call it in a thread, because a disk may be slow. Raises OSError."""
        if self.body is not None:
            return self.body
        assert self.file is not None
        return self.file.read(self.offset, self.size)


class Spool:
    """All waiting segments of a worker, and the thread that encodes and writes them one by one.

    The first `held_bytes` stay in memory, the rest goes to files. When those are full or fail,
    there is no room. While the store takes segments, `keep` waits for room: many calls may end at
    once on a broken disk.
    """

    def __init__(self, folder: Path | None, health: Health, limits: Limits) -> None:
        self._folder = folder
        self._health = health
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=_PART)
        self._encoding = asyncio.Lock()
        self._freed = asyncio.Event()
        self._queued_bytes = 0
        """of media that isn't encoded yet"""
        self._writing: _File | None = None
        """used by the thread alone"""
        self.memory_bytes = 0
        """of segments in memory"""
        self.disk_bytes = 0
        """of segments in files"""

    async def keep(self, size: int, encode: Callable[[], bytes]) -> SpooledSegment | None:
        """Encode a segment of about `size` bytes and keep it; return None if there is no room."""
        is_crowded = self._queued_bytes + size > self._limits.queued_bytes
        if is_crowded and self._health.is_degraded(STORE):
            self._health.degrade(_PART, "slow_disk")
            return None
        self._queued_bytes += size
        try:
            async with self._encoding:
                waiting = SpooledSegment(await self._run(encode))
                while not await self._has_taken(waiting):
                    if self._health.is_degraded(STORE):
                        return None
                    await self._wait_for_room()
                return waiting
        finally:
            self._queued_bytes -= size

    def keep_small(self, body: bytes) -> SpooledSegment:
        """Keep a segment without media, even if there is no room."""
        self.memory_bytes += len(body)
        return SpooledSegment(body)

    def let_go(self, waiting: SpooledSegment) -> None:
        """Free the room of a segment that is stored or discarded."""
        if waiting.file is None:
            self.memory_bytes -= waiting.size
        else:
            self.disk_bytes -= waiting.size
            self._thread.submit(self._release, waiting.file)
        if not self.disk_bytes:
            self._health.recover(_PART)
        self._freed.set()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _wait_for_room(self) -> None:
        """Return when room has been freed, or after half a second."""
        self._freed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), _LOOK_AGAIN_S)

    async def _has_taken(self, waiting: SpooledSegment) -> bool:
        if self.memory_bytes + waiting.size <= self._limits.held_bytes:
            self.memory_bytes += waiting.size
            return True
        if self._folder is None or self.disk_bytes + waiting.size > self._limits.spool_bytes:
            self._health.degrade(_PART, "full")
            return False
        try:
            await self._run(partial(self._write, waiting))
        except OSError as error:
            self._health.degrade(_PART, f"disk: {error.strerror}")
            return False
        waiting.body = None
        self.disk_bytes += waiting.size
        self._health.degrade(_PART, "on_disk")
        return True

    # --- in the thread ---

    def _write(self, waiting: SpooledSegment) -> None:
        assert waiting.body is not None
        if self._writing is None or self._writing.size >= FILE_BYTES:
            if self._writing is not None and not self._writing.segments:
                self._writing.close()
            self._writing = None
            self._writing = _File(self._folder)
        waiting.offset = self._writing.append(waiting.body)
        waiting.file = self._writing

    def _release(self, file: _File) -> None:
        file.segments -= 1
        if file.segments:
            return
        if file is self._writing:
            file.begin_again()
        else:
            file.close()


class _File:
    """A file without a name, which holds segments one after the other."""

    def __init__(self, folder: Path | None) -> None:
        # Unbuffered: what is written is on the disk; closed by `close`, or when the process ends.
        self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115
        self.size = 0
        self.segments = 0
        """that aren't stored yet"""

    def append(self, body: bytes) -> int:
        """Write a segment; return its offset. Raises OSError, and has then written nothing."""
        offset, left = self.size, memoryview(body)
        try:
            while left:
                left = left[os.pwrite(self._file.fileno(), left, offset + len(body) - len(left)) :]
        except OSError:
            self._file.truncate(offset)
            raise
        self.size += len(body)
        self.segments += 1
        return offset

    def read(self, offset: int, size: int) -> bytes:
        """Return a segment's bytes. Raises OSError."""
        parts: list[bytes] = []
        while size:
            part = os.pread(self._file.fileno(), size, offset)
            if not part:
                raise OSError("the file ends before its segment")
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(parts)

    def begin_again(self) -> None:
        """Truncate the file, and write from its beginning again."""
        self._file.truncate(0)
        self.size = 0

    def close(self) -> None:
        """Close and so delete the file."""
        self._file.close()
