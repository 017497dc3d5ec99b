"""An S3 that takes its time: an object is durable, as a file, at the end of its latency only.

python -m trials.stop.store FOLDER SEED
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import uvloop

from bench import s3_puts
from trials.chaos.kills import latencies


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
    put = await s3_puts.read_put(reader, writer)
    await asyncio.sleep(latency_s)
    place = folder / s3_puts.key_of(put.head)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(put.body)
    writer.write(s3_puts.stored(put.head))


async def main(folder: Path, seed: str) -> None:
    """Serve until terminated."""
    handler = partial(serve, folder, latencies(Random(seed)))
    server = await asyncio.start_server(handler, "127.0.0.1", 0, limit=1024 * 1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2]))
