"""A WAV file of anybody's making: any encoding, chunks in any order before the samples.

RIFF (Microsoft, 1991), RF64 (EBU Tech 3306). A header written before its length was known says 0
or the largest number: then the samples last as long as the file.

By hand: `wave` reads PCM alone, wants a whole file, and fails at a header that was never completed.
"""

from __future__ import annotations

import struct

from chalicelib.media.sound_facts import SoundFacts

_OPENING = 12
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_DS64 = struct.Struct("<QQ")
_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF})
_MOST_CHUNKS = 1_000
_LARGEST_READ = 4_096
"""bytes of a chunk that is read; the format's has 16 to 40"""


def begins_wav(opening: bytes) -> bool:
    """Whether a file's first bytes are a WAV's."""
    return opening[:4] in (b"RIFF", b"RF64") and opening[8:12] == b"WAVE"


class WavFile:
    """Reads chunks until the samples begin, and counts those."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = _OPENING
        self._format: tuple[int, int, int] | None = None
        self._long_size = 0
        self._announced: int | None = None
        """bytes of samples, as the header says; None: they haven't begun"""
        self._heard = 0
        self._chunks = 0

    def feed(self, octets: bytes) -> None:
        """Read on."""
        if self._announced is not None:
            self._heard += len(octets)
            return
        held, at = self._held + octets, self._skip
        while self._announced is None and (read := self._chunk(held, at)):
            at += read
        left = len(held) - at
        self._skip, self._held = max(0, -left), held[at:]
        if self._announced is not None:
            self._heard, self._held = left, b""

    def facts(self) -> SoundFacts | None:
        """Return what was read; None where no samples came, or the header makes no sense."""
        if self._format is None or self._announced is None:
            return None
        channels, rate_hz, bytes_per_s = self._format
        announced = self._announced if self._announced not in _UNKNOWN_SIZES else self._heard
        size = min(announced, self._heard)
        return SoundFacts(
            kind="wav",
            rate_hz=rate_hz,
            channels=channels,
            duration_ms=round(size * 1000 / bytes_per_s),
            is_whole=size == announced,
        )

    def _chunk(self, held: bytes, at: int) -> int:
        """Read the chunk that begins at a place; return how far on the next one begins, 0 to wait
        for more. Before the samples stand a handful of chunks: after so many none is looked for."""
        if len(held) < at + _CHUNK.size or self._chunks > _MOST_CHUNKS:
            return 0
        name: bytes
        size: int
        name, size = _CHUNK.unpack_from(held, at)
        begin = at + _CHUNK.size
        if name == b"data":
            self._announced = self._long_size or size
            return _CHUNK.size
        if name in (b"fmt ", b"ds64") and size <= _LARGEST_READ:
            if len(held) < begin + size:
                return 0
            self._read(name, held[begin : begin + size])
        self._chunks += 1
        return _CHUNK.size + size + size % 2  # chunks begin at even places

    def _read(self, name: bytes, body: bytes) -> None:
        if name == b"ds64" and len(body) >= _DS64.size:
            self._long_size = _DS64.unpack_from(body)[1]
        if name == b"fmt " and len(body) >= _FORMAT.size:
            _, channels, rate_hz, bytes_per_s, block, _ = _FORMAT.unpack_from(body)
            bytes_per_s = bytes_per_s or rate_hz * block
            if channels and rate_hz and bytes_per_s:
                self._format = (channels, rate_hz, bytes_per_s)
