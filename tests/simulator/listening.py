"""A sink and a hook that only listen: what a simulated carrier really said."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed

from chalicelib.capture.events import Media, StreamEvent
from chalicelib.carriers import registry
from chalicelib.errors import CallerError, WireError


@dataclass(slots=True, kw_only=True)
class HeardSocket:
    """What came on one socket."""

    path: str
    events: list[StreamEvent] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)
    """of media, on the server's monotonic clock"""
    close_code: int | None = None

    @property
    def payload(self) -> bytes:
        return b"".join(event.payload for event in self.events if isinstance(event, Media))


@dataclass(slots=True, kw_only=True)
class Heard:
    """What came at all."""

    stream_base: str = ""
    hook_base: str = ""
    sockets: list[HeardSocket] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class _Listener:
    """Hears sockets with the dialects' own parsers."""

    def __init__(self, heard: Heard, clock: Callable[[], float], close_after: int) -> None:
        self._heard = heard
        self._clock = clock
        self._close_after = close_after

    async def hear(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        socket = HeardSocket(path=connection.request.path)
        self._heard.sockets.append(socket)
        with suppress(ConnectionClosed):
            await self._hear_all(connection, socket)
        socket.close_code = connection.close_code

    async def _hear_all(self, connection: ServerConnection, socket: HeardSocket) -> None:
        parser = registry.parser(registry.route(socket.path))
        async for message in connection:
            try:
                event = parser.receive(message)
            except WireError as error:
                socket.refusals.append(error.code)
                continue
            if event:
                socket.events.append(event)
            if isinstance(event, Media):
                socket.arrivals_s.append(self._clock())
            if len(socket.events) >= self._close_after:
                await connection.close(1008, "enough")


def _refuse(_: ServerConnection, request: Request) -> Response | None:
    try:
        registry.route(request.path)
    except CallerError as error:
        return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers(), error.code.encode())
    return None


def _hooks(heard: Heard, status: int) -> ThreadingHTTPServer:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.posted.append((self.path, json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the base's name
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Hook)


@asynccontextmanager
async def listening(
    clock: Callable[[], float], close_after: int = 10**9, hook_status: int = 200
) -> AsyncIterator[Heard]:
    """Serve on free ports; close a socket after so many messages."""
    heard = Heard()
    hooks = _hooks(heard, hook_status)
    heard.hook_base = f"http://127.0.0.1:{hooks.server_port}"
    threading.Thread(target=hooks.serve_forever, args=(0.05,), daemon=True).start()
    listener = _Listener(heard, clock, close_after)
    try:
        async with serve(listener.hear, "127.0.0.1", 0, process_request=_refuse) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            heard.stream_base = f"ws://127.0.0.1:{port}"
            yield heard
    finally:
        hooks.shutdown()
        hooks.server_close()
