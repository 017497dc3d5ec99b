"""A discarding S3: answers every put as S3 does, keeps nothing but the counts of its segments."""

from __future__ import annotations

import asyncio
import json
from typing import cast

import uvloop

from bench import s3_puts
from chalicelib.capture import container


class Store(asyncio.Protocol):
    """One connection."""

    puts = 0
    segments = 0
    stored = 0
    """bytes"""
    messages = 0

    _transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._begin()

    def _begin(self) -> None:
        self._head = b""
        self._body = bytearray()
        self._missing = -1

    def data_received(self, data: bytes) -> None:
        """Read requests, one after the other; of a body only what may hold its index."""
        if self._missing < 0:
            self._head += data
            if b"\r\n\r\n" not in self._head:
                return
            self._head, _, data = self._head.partition(b"\r\n\r\n")
            if self._head.startswith(b"GET"):
                self._tell()
                return
            self._missing = s3_puts.size_of(self._head)
            if s3_puts.waits_for_us(self._head):
                self._transport.write(s3_puts.GO_ON)
        if b"/segments/" in self._head[:200] and len(self._body) < 64 * 1024:
            self._body += data
        self._missing -= len(data)
        Store.stored += len(data)
        if self._missing <= 0:
            self._store()

    def _store(self) -> None:
        Store.puts += 1
        if self._body:
            Store.segments += 1
            index = container.decode_index(bytes(self._body), "segment")
            Store.messages += sum(entry.record.messages for entry in index.entries)
        self._transport.write(s3_puts.stored(self._head))
        self._begin()

    def _tell(self) -> None:
        facts = {
            "puts": Store.puts,
            "segments": Store.segments,
            "bytes": Store.stored,
            "messages": Store.messages,
        }
        body = json.dumps(facts).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self._begin()


async def main() -> None:
    """Answer until terminated."""
    server = await asyncio.get_running_loop().create_server(Store, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
