"""An S3 that can be away in each of the ways that S3 is, and judges what it is given.

    python -m trials.outage.store

Prints the port of the store and the port where its behaviour is set (`GET /be/away`) and what it
was given (`GET /`).
"""

from __future__ import annotations

import asyncio
import json
import zlib
from enum import StrEnum

from bench import s3_puts
from trials.outage.judge import Judge

_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Slow</Message></Error>"
SLOW_S = 3.0


class Mood(StrEnum):
    """How the store is."""

    WELL = "well"
    SLOW = "slow"
    """each put takes 3 s"""
    THROTTLING = "throttling"
    """503 SlowDown"""
    SILENT = "silent"
    """it takes requests and never answers"""
    AWAY = "away"
    """connections are cut, new ones refused"""


class Store:
    """The store, and the door where its behaviour is set."""

    def __init__(self) -> None:
        self.mood = Mood.WELL
        self.judge = Judge()
        self.bodies: dict[str, int] = {}
        """CRC of each object, so that a repeated put is answered as S3 does"""
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def listen(self) -> int:
        """Take connections; return the port, the same each time."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    async def be(self, mood: Mood) -> None:
        """Be so from now on."""
        was, self.mood = self.mood, mood
        if mood is Mood.AWAY and self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
        elif was is Mood.AWAY:
            await self.listen()
        if was is Mood.SILENT:
            for writer in list(self._writers):
                writer.transport.abort()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the door: one request a connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        if path.startswith("/be/"):
            await self.be(Mood(path.removeprefix("/be/")))
        body = json.dumps(self.judge.totals()).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                await self._put(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _put(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        put = await s3_puts.read_put(reader, writer)
        while self.mood is Mood.SILENT:
            await asyncio.sleep(0.1)
        if self.mood is Mood.THROTTLING:
            writer.write(
                b"HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(_SLOW_DOWN), _SLOW_DOWN)
            )
            return
        if self.mood is Mood.SLOW:
            await asyncio.sleep(SLOW_S)
        self._take(s3_puts.key_of(put.head), put.body)
        writer.write(s3_puts.stored(put.head))

    def _take(self, key: str, body: bytes) -> None:
        """Take an object; the same one again is what a sink does that got no answer."""
        known = self.bodies.get(key)
        self.bodies[key] = zlib.crc32(body)
        if known is None:
            self.judge.take(key, body)
        elif known != self.bodies[key]:
            self.judge.faults.append(f"{key} was put twice, and differs")


async def main() -> None:
    """Serve until terminated."""
    store = Store()
    port = await store.listen()
    door = await asyncio.start_server(store.answer, "127.0.0.1", 0)
    print(json.dumps({"port": port, "door": door.sockets[0].getsockname()[1]}), flush=True)
    await door.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
