"""Where a carrier's calls come in: the API's hooks, and the load balancer's place."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.ports import HOST

_HOOK_TAKES_S = 0.08
"""what a webhook takes through API Gateway to its function: its stream has joined by then, as a
rule; where both come at the same moment, some transactions fail, and cost what they would have"""


@contextmanager
def hooks_served(take: Callable[[str, bytes], int]) -> Iterator[str]:
    """Serve an API's hooks until the block ends; yield its base URL."""
    server = ThreadingHTTPServer((HOST, 0), partial(_Hook, take))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Hook(BaseHTTPRequestHandler):
    def __init__(self, take: Callable[[str, bytes], int], *args: Any) -> None:
        self._take = take
        super().__init__(*args)

    def do_POST(self) -> None:
        time.sleep(_HOOK_TAKES_S)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self._take(self.path, body))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its base's name
        """Say nothing."""


async def counted_door(sink_port: int, bytes_through: Counter[str]) -> asyncio.Server:
    """Serve a door before the sink, as a load balancer is, that counts what goes through."""

    async def pump(name: str, source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
        try:
            while some := await source.read(65_536):
                bytes_through[name] += len(some)
                into.write(some)
                await into.drain()
        except ConnectionError:
            pass
        finally:
            into.close()

    async def open_(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_connection(HOST, sink_port)
        await asyncio.gather(pump("in", reader, inner[1]), pump("out", inner[0], writer))

    return await asyncio.start_server(open_, HOST, 0)
