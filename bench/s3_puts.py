"""What a server says to be an S3 that takes puts: all that the sink asks of it in a call."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import unquote

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CRC = re.compile(rb"\r\nx-amz-checksum-crc32: *(\S+)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)

GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def size_of(head: bytes) -> int:
    """Return how many bytes of body a request announces."""
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


def waits_for_us(head: bytes) -> bool:
    """Whether the body comes only after `GO_ON`."""
    return _EXPECT.search(head) is not None


def key_of(head: bytes) -> str:
    """Return the key of a request that has its bucket in the path."""
    return unquote(head.split(b" ")[1].decode().partition("?")[0]).split("/", 2)[2]


def stored(head: bytes) -> bytes:
    """Return the answer to a put that is durable."""
    crc = _CRC.search(head)
    return (
        b'HTTP/1.1 200 OK\r\nETag: "0"\r\nx-amz-checksum-crc32: %b\r\ncontent-length: 0\r\n\r\n'
        % (crc[1] if crc else b"")
    )


@dataclass(frozen=True, slots=True)
class Put:
    """One request, whole."""

    head: bytes
    body: bytes


async def read_put(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Put:
    """Read a request. Raises IncompleteReadError where its sender is gone."""
    head = await reader.readuntil(b"\r\n\r\n")
    if waits_for_us(head):
        writer.write(GO_ON)
    return Put(head, await reader.readexactly(size_of(head)))
