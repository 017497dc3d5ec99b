"""An MP4 file: the length and the shape of its first track, from the movie's box.

ISO/IEC 14496-12 (boxes, `mvhd`, `stsd`) and 14496-14. The movie's box may be at either end.

By hand: two boxes are read as bytes pass; a library would need the whole file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from chalicelib.media.sound_facts import SoundFacts

_BOX = struct.Struct(">I4s")
_LONG = struct.Struct(">Q")
_MVHD = struct.Struct(">II")
_MVHD_LONG = struct.Struct(">IQ")
_LARGEST_MOVIE = 8 * 1024 * 1024
"""bytes; twelve hours of AAC need three million"""
_MOST_BOXES = 200_000
"""before the movie's; what is written in fragments of a second has two for each"""
_NOTHING = memoryview(b"")
_TO_DESCRIPTION = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_ENTRY_CHANNELS, _ENTRY_RATE, _ENTRY_SIZE = 24, 32, 36
"""places in the first sample entry of `stsd`; its rate has 16 bits before the point"""


def begins_mp4(opening: bytes) -> bool:
    """Whether a file's first bytes are an MP4's."""
    return opening[4:8] == b"ftyp"


class Mp4File:
    """Skips boxes until the movie's; keeps that one."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0
        self._movie: bytes | None = None
        self._boxes = 0

    def feed(self, octets: bytes) -> None:
        """Read on."""
        if self._movie is not None:
            return
        held, at = self._held + octets, self._skip
        while read := self._box(held, at):
            at += read
        self._skip = max(0, at - len(held))
        self._held = held[at:] if self._movie is None and self._boxes <= _MOST_BOXES else b""

    def facts(self) -> SoundFacts | None:
        """Return what was read; None where the movie's box is missing, or has no sound."""
        if self._movie is None:
            return None
        try:
            movie = memoryview(self._movie)
            duration_ms, (channels, rate_hz) = _duration_ms(movie), _shape(movie)
        except (struct.error, LookupError, ZeroDivisionError):
            return None
        return SoundFacts(
            kind="mp4", rate_hz=rate_hz, channels=channels, duration_ms=round(duration_ms)
        )

    def _box(self, held: bytes, at: int) -> int:
        """Read the head of the box at a place, all of the movie's; return how far on the next one
        begins, 0 where there is nothing more to read."""
        if at >= len(held) or self._boxes > _MOST_BOXES:
            return 0
        head = _head(memoryview(held)[at:])
        if head is None:
            return 0
        name, begin, size = head
        if name != b"moov" or size > _LARGEST_MOVIE:
            self._boxes += 1
            return size
        if len(held) >= at + size:
            self._movie = held[at + begin : at + size]
        return 0


def _head(held: memoryview) -> tuple[bytes, int, int] | None:
    """Return a box's name, where its content begins, and its size; None: more bytes are needed."""
    if len(held) < _BOX.size:
        return None
    size, name = _BOX.unpack_from(held)
    begin = _BOX.size
    if size == 1:
        if len(held) < begin + _LONG.size:
            return None
        (size,) = _LONG.unpack_from(held, begin)
        begin += _LONG.size
    # 0 is "to the end of the file"; less than its own head is nonsense, and ends the reading too.
    return name, begin, size if size >= begin else 1 << 62


def _boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    while head := _head(content):
        name, begin, size = head
        yield name, content[begin:size]
        content = content[size:]


def _inner(content: memoryview, name: bytes) -> memoryview:
    return next((inner for found, inner in _boxes(content) if found == name), _NOTHING)


def _duration_ms(movie: memoryview) -> float:
    header = _inner(movie, b"mvhd")
    if header[0] == 1:
        scale, duration = _MVHD_LONG.unpack_from(header, 20)
    else:
        scale, duration = _MVHD.unpack_from(header, 12)
    return float(duration * 1000 / scale)


def _shape(movie: memoryview) -> tuple[int, int]:
    """Return channels and sample rate of the first track."""
    content = movie
    for name in _TO_DESCRIPTION:
        content = _inner(content, name)
    entry = content[8:]
    if len(entry) < _ENTRY_SIZE:
        raise LookupError("no sample entry")
    channels = int.from_bytes(entry[_ENTRY_CHANNELS : _ENTRY_CHANNELS + 2], "big")
    return channels, int.from_bytes(entry[_ENTRY_RATE : _ENTRY_RATE + 2], "big")
