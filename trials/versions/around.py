"""The surroundings of the workers whose writing is recorded: who listens, who is tapped to, who is
gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from infra.local.ports import HOST

NEARBY = "127.0.0.2"
"""another address of this machine: the owner's row says that it is reached there"""


class Conversation:
    """Stands between two workers, and keeps what either says, in one sequence of bytes each."""

    def __init__(self, owner_port: int) -> None:
        self.passer = bytearray()
        self.owner = bytearray()
        self._owner_port = owner_port

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take the passer's connections in the owner's place."""
        async with await asyncio.start_server(self._take, NEARBY, self._owner_port):
            yield

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self._owner_port)
        await asyncio.gather(
            _copy(reader, far_writer, self.passer), _copy(far_reader, writer, self.owner)
        )


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
) -> None:
    with suppress(OSError):  # a killed worker says no farewell
        while some := await reader.read(65_536):
            kept += some
            writer.write(some)
    writer.close()


@contextmanager
def gone() -> Iterator[str]:
    """Serve a status_url that is no more."""

    class Gone(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(410)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its base's name
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Gone)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://{HOST}:{server.server_port}/gone"
    server.shutdown()


async def swallow(connection: ServerConnection) -> None:
    """Take all that a tap sends."""
    with suppress(ConnectionClosed):  # a killed worker says no farewell
        async for _ in connection:
            continue
