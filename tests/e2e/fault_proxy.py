"""An HTTP proxy between the sink and the local AWS that can be slow, or answer that it is asked too
much, per service, and that tells when media is put.

It runs in a thread of the test process. Requests are told apart as botocore sends them: DynamoDB's
carry an `X-Amz-Target` header, S3's puts don't.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)
_UNAVAILABLE = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(_SLOW_DOWN)).encode() + b"\r\n\r\n" + _SLOW_DOWN
)
_LOOK_S = 0.1
_TOO_MUCH = (
    b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",'
    b'"message":"The level of configured provisioned throughput for the table was exceeded."}'
)
_THROTTLED = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"Connection: close\r\nContent-Length: "
    + str(len(_TOO_MUCH)).encode()
    + b"\r\n\r\n"
    + _TOO_MUCH
)


class Moment(StrEnum):
    """Where a request stands."""

    PUT_BEGUN = "put begun"
    """the proxy has a journal object or a segment, the store hasn't"""
    PUT_DUE = "put due"
    """its latency is over; it goes to the store now"""
    PUT_STORED = "put stored"
    """the store has it, the sink doesn't know"""
    PUT_ANSWERED = "put answered"
    ROW_ASKED = "row asked"
    """a request to the database, before it is passed on"""


def _pass(_moment: Moment, _request: str) -> bool:
    return True


@dataclass(slots=True)
class Faults:
    """What goes wrong now; change it while the proxy runs."""

    database_delay_s: float = 0.0
    database_is_away: bool = False
    """requests to it are taken, and never answered"""
    throttles: Callable[[], bool] = lambda: False
    """tells whether the database refuses the next request"""
    throttled: int = 0
    """requests refused so far"""
    storage_fails: bool = False
    storage_refusals: int = 0
    """answers of 503 given so far"""
    put_latency_s: Callable[[], float] = lambda: 0.0
    """how long the next put of a journal object or segment shall take; it is durable at its end"""
    passes: Callable[[Moment, str], bool] = _pass
    """told each moment, in the proxy's thread, with the object's key or the database's request;
    where it says no, nobody hears of the request any more"""
    put_s: list[float] = field(default_factory=list)
    """how long puts took, where `put_latency_s` slows them"""


class FaultProxy:
    """Forwards to one upstream, a connection a request, with the faults of the moment."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self.faults = Faults()
        self._upstream_s = 0.0
        """what the upstream's own part of a put usually is"""
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._forwarding: set[asyncio.Task[None]] = set()
        """kept here: nothing else holds what still asks for a peer that is gone"""

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Listen on a free loopback port for as long as the block lasts."""
        self._thread.start()
        self._ready.wait(timeout=5)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", 0)
        )
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._forward_each(reader, writer))
        self._forwarding.add(task)
        task.add_done_callback(self._forwarding.discard)

    async def _forward_each(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while await self._forward(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"expect: 100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = b"\r\n".join(
                line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:")
            )
        request = head + await reader.readexactly(_content_length(head))
        if b"x-amz-target: dynamodb" in head.lower():
            await asyncio.sleep(self.faults.database_delay_s)
            if self.faults.database_is_away:
                await self._hang()
                return False
            if self.faults.throttles():
                self.faults.throttled += 1
                writer.write(_THROTTLED)
                await writer.drain()
                return False
            if not self.faults.passes(Moment.ROW_ASKED, request.decode(errors="replace")):
                return False
        elif self.faults.storage_fails:
            self.faults.storage_refusals += 1
            writer.write(_UNAVAILABLE)
            await writer.drain()
            return False
        elif key := _media_key(head):
            await self._put(key, request, writer)
            return False
        writer.write(await self._ask_upstream(request))
        await writer.drain()
        return False

    async def _hang(self) -> None:
        while self.faults.database_is_away:
            await asyncio.sleep(_LOOK_S)

    async def _put(self, key: str, request: bytes, writer: asyncio.StreamWriter) -> None:
        """Pass an object on so late that all of it takes as long as it shall."""
        passes, began_s = self.faults.passes, time.monotonic()
        if not passes(Moment.PUT_BEGUN, key):
            return
        await asyncio.sleep(max(0.0, self.faults.put_latency_s() - self._upstream_s))
        if not passes(Moment.PUT_DUE, key):
            return
        asked_s = time.monotonic()
        answer = await self._ask_upstream(request)
        now_s = time.monotonic()
        self._upstream_s += (now_s - asked_s - self._upstream_s) / 8
        self.faults.put_s.append(now_s - began_s)
        if not passes(Moment.PUT_STORED, key):
            return
        writer.write(answer)
        await writer.drain()
        passes(Moment.PUT_ANSWERED, key)

    async def _ask_upstream(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


def _media_key(head: bytes) -> str:
    """Return the key of the journal object or segment that a request puts; empty: it puts none."""
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0].decode("ascii", "replace").partition("?")[0]
    key = "/".join(path.split("/")[2:])
    is_media = method == b"PUT" and key.startswith(("journal/", "segments/"))
    return key if is_media else ""


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
