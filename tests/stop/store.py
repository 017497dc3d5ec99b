"""An S3 that takes its time: an object is durable, as a file, at the end of its latency only.

python -m tests.stop.store FOLDER SEED
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import uvloop

from tests.chaos.kills import latencies

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CRC = re.compile(rb"\r\nx-amz-checksum-crc32: *(\S+)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)


async def serve(
    folder: Path,
    latency_s: Callable[[], float],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Take the puts of one connection."""
    try:
        while True:
            await _put(folder, latency_s(), reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _put(
    folder: Path, latency_s: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    began_s = time.monotonic()
    if _EXPECT.search(head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    size, crc = _LENGTH.search(head), _CRC.search(head)
    assert size is not None, head
    assert crc is not None, head
    body = await reader.readexactly(int(size[1]))
    await asyncio.sleep(began_s + latency_s - time.monotonic())
    place = folder.joinpath(*head.split(b" ")[1].decode().partition("?")[0].split("/")[2:])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(body)
    writer.write(
        b'HTTP/1.1 200 OK\r\nETag: "0"\r\nx-amz-checksum-crc32: %b\r\ncontent-length: 0\r\n\r\n'
        % crc[1]
    )


async def main(folder: Path, seed: str) -> None:
    """Serve until terminated."""
    handler = partial(serve, folder, latencies(Random(seed)))
    server = await asyncio.start_server(handler, "127.0.0.1", 0, limit=1024 * 1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2]))
