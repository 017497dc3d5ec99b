"""WAV of PCM16 whose length is known before its first byte: a header, the samples, and what the
file says of itself.

RIFF (Microsoft, 1991), 44 bytes; from 4 GiB on RF64 (EBU Tech 3306), 80 bytes. The tags are a LIST
INFO chunk (RIFF, chapter 2), behind the samples so that these begin where every reader looks.

By hand: the standard library's `wave` must seek back to write lengths, and knows neither RF64 nor
tags.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import CorruptContainer

_PCM = 1
_WIDTH = 2
_LIMIT = 0xFFFFFFFF
_FORMAT = struct.Struct("<4sIHHIIHH")
_CHUNK = struct.Struct("<4sI")
_RIFF = struct.Struct("<4sI4s")
_DS64 = struct.Struct("<4sIQQQI")


@dataclass(frozen=True, slots=True, kw_only=True)
class WavFormat:
    """The content of a header."""

    rate_hz: int
    channels: int
    samples: int
    """per channel"""
    header_size: int
    """bytes before the first sample"""


_INFO_NAMES = {"title": b"INAM", "comment": b"ICMT"}


def header(*, rate_hz: int, channels: int, samples: int, info_size: int = 0) -> bytes:
    """Return the bytes before `samples` samples per channel.

    `info_size` is the size of what follows them: an even number, as every chunk's.
    """
    size = samples * channels * _WIDTH
    around_data = len("WAVE") + _FORMAT.size + _CHUNK.size + info_size
    if around_data + size <= _LIMIT:
        opening = _RIFF.pack(b"RIFF", around_data + size, b"WAVE")
        return opening + _format(rate_hz, channels) + _CHUNK.pack(b"data", size)
    extended = _DS64.pack(
        b"ds64", _DS64.size - _CHUNK.size, around_data + _DS64.size + size, size, samples, 0
    )
    opening = _RIFF.pack(b"RF64", _LIMIT, b"WAVE") + extended
    return opening + _format(rate_hz, channels) + _CHUNK.pack(b"data", _LIMIT)


def info(tags: Mapping[str, str]) -> bytes:
    """Return the chunk that tells `title` and `comment`; empty where there is neither."""
    told = b"".join(
        _chunk(name, tags[tag].encode() + b"\0") for tag, name in _INFO_NAMES.items() if tag in tags
    )
    return _chunk(b"LIST", b"INFO" + told) if told else b""


def _chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk; one of odd length is followed by a byte that its size doesn't count."""
    return _CHUNK.pack(name, len(body)) + body + b"\0" * (len(body) % 2)


def _format(rate_hz: int, channels: int) -> bytes:
    block = channels * _WIDTH
    return _FORMAT.pack(b"fmt ", 16, _PCM, channels, rate_hz, rate_hz * block, block, 8 * _WIDTH)


def parse(head: bytes) -> WavFormat:
    """Return what the header at the start of `head` says, if it is one that `header` writes.

    Raises CorruptContainer for everything else.
    """
    try:
        return _parse(head)
    except struct.error as error:
        raise CorruptContainer(f"a WAV header that ends after {len(head)} bytes") from error


def _parse(head: bytes) -> WavFormat:
    form, _, kind = _RIFF.unpack_from(head)
    offset = _RIFF.size
    size_beyond_limit = 0
    if form == b"RF64":
        _, _, _, size_beyond_limit, _, _ = _DS64.unpack_from(head, offset)
        offset += _DS64.size
    name, _, tag, channels, rate_hz, _, block, bits = _FORMAT.unpack_from(head, offset)
    offset += _FORMAT.size
    data, size = _CHUNK.unpack_from(head, offset)
    found = (form in (b"RIFF", b"RF64"), kind, name, data, tag, bits, block)
    if found != (True, b"WAVE", b"fmt ", b"data", _PCM, 8 * _WIDTH, channels * _WIDTH):
        raise CorruptContainer("no WAV of PCM16 with a plain header")
    if not channels:
        raise CorruptContainer("a WAV without channels")
    return WavFormat(
        rate_hz=rate_hz,
        channels=channels,
        samples=(size_beyond_limit or size) // block,
        header_size=offset + _CHUNK.size,
    )
