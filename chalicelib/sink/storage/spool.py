"""Where segments wait for the store: in memory, then in files, both bounded.

The files are temporary ones without a name: they are written one after the other, deleted when all
in them is stored, and gone with the process, whatever ends it. Nobody finds audio on the disk, and
nobody uploads it after a restart: on Fargate the disk dies with its task anyway.
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
"""the part that suffers where the store takes none"""
_LOOK_AGAIN_S = 0.5

FILE_BYTES = 64 * 1024 * 1024
"""of a file, before the next is begun: an hour of 250 calls is some 230 of them"""


class SpooledSegment:
    """A segment's bytes, wherever they wait."""

    __slots__ = ("body", "file", "offset", "size")

    def __init__(self, body: bytes) -> None:
        self.body: bytes | None = body
        """while they are in memory"""
        self.file: _File | None = None
        self.offset = 0
        self.size = len(body)

    def read(self) -> bytes:
        """Return the bytes; from a thread, because a disk takes its time. Raises OSError."""
        if self.body is not None:
            return self.body
        assert self.file is not None
        return self.file.read(self.offset, self.size)


class Spool:
    """All segments of a worker that wait, and the thread that makes and writes them, one by one.

    The first `held_bytes` stay in memory, what is more goes to files, and where those are full, or
    fail, there is no room. Then it is waited for while the store takes segments: many calls may end
    at once, on a disk that is broken.
    """

    def __init__(self, folder: Path | None, health: Health, limits: Limits) -> None:
        self._folder = folder
        self._health = health
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=_PART)
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._queued_bytes = 0
        """of media that isn't a segment's bytes yet"""
        self._writing: _File | None = None
        """the thread's own"""
        self.memory_bytes = 0
        """that wait in memory"""
        self.disk_bytes = 0
        """that wait in files"""

    async def keep(self, size: int, encode: Callable[[], bytes]) -> SpooledSegment | None:
        """Make a segment of about `size` bytes and keep it; None: there is no room for it."""
        is_crowded = self._queued_bytes + size > self._limits.queued_bytes
        if is_crowded and self._health.is_degraded(STORE):
            self._health.degrade(_PART, "slow_disk")
            return None
        self._queued_bytes += size
        try:
            async with self._turn:
                waiting = SpooledSegment(await self._run(encode))
                while not await self._finds_room(waiting):
                    if self._health.is_degraded(STORE):
                        return None
                    await self._comes_free()
                return waiting
        finally:
            self._queued_bytes -= size

    def keep_small(self, body: bytes) -> SpooledSegment:
        """Keep a segment that has no media, whether there is room or not."""
        self.memory_bytes += len(body)
        return SpooledSegment(body)

    def let_go(self, waiting: SpooledSegment) -> None:
        """Forget what is stored, or what nobody wants."""
        if waiting.file is None:
            self.memory_bytes -= waiting.size
        else:
            self.disk_bytes -= waiting.size
            self._thread.submit(self._release, waiting.file)
        if not self.disk_bytes:
            self._health.recover(_PART)
        self._freed.set()

    def close(self) -> None:
        """Keep nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _comes_free(self) -> None:
        """Return when something was let go, or soon."""
        self._freed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), _LOOK_AGAIN_S)

    async def _finds_room(self, waiting: SpooledSegment) -> bool:
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
    """Segments, one after the other, in a file without a name."""

    def __init__(self, folder: Path | None) -> None:
        # Without a buffer it is bytes in, bytes out; closed by `close`, or by the process's end.
        self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115
        self.size = 0
        self.segments = 0
        """that still wait in it"""

    def append(self, body: bytes) -> int:
        """Write a segment; return where it begins. Raises OSError, and then nothing is there."""
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
        """Return what was written. Raises OSError."""
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
        """Give the disk its room back, and go on from the beginning."""
        self._file.truncate(0)
        self.size = 0

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
