"""Containers as newer code would write them: with other words in their index, and sealed right."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib.capture.container import index_size
from chalicelib.capture.records import StreamHead

HEADS, ENTRIES = 3, 4
"""places in an index: `chalicelib/capture/container_index.py`"""
STREAM, TRACK, ENCODING = 0, 1, 2
"""places in an entry"""


def place_in_head(field: str) -> int:
    """Return the place of a field in a stream's head."""
    return StreamHead.__struct_fields__.index(field)


def resealed(body: bytes, change: Callable[[list[Any]], None]) -> bytes:
    """Return a container after a change of its index."""
    size = index_size(body)
    index = msgspec.msgpack.decode(body[12:size])
    change(index)
    packed = msgspec.msgpack.encode(index)
    header = struct.pack(">4sII", body[:4], len(packed), zlib.crc32(packed))
    trailer = struct.pack(">I", zlib.crc32(header + packed))
    return header + packed + body[size:-4] + trailer
