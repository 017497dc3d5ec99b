"""Frames in, messages out, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.websocket import MESSAGE_BYTES_MAX, MessageSocket, listen
from chalicelib.sink.runtime.limits import Limits
from tests.sink.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Raw
from tests.sink.raw import websocket_frame as frame
from tests.sink.rig import run, until


@dataclass
class Heard:
    """A session that notes what it is told."""

    messages: list[str | bytes] = field(default_factory=list)
    spent: int = 0
    endings: list[Ending] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    socket: MessageSocket | None = None

    def opened(self, socket: MessageSocket) -> None:
        self.socket = socket

    def receive(self, message: str | bytes) -> None:
        if message == "fail":
            raise RuntimeError("our own failure")
        self.messages.append(message)

    def spend(self, size: int) -> None:
        self.spent += size

    def closed(self, ending: Ending, code: int) -> None:
        self.endings.append(ending)
        self.codes.append(code)


@contextlib.asynccontextmanager
async def talking() -> AsyncIterator[tuple[Raw, Heard]]:
    """Open a socket to a session."""
    heard = Heard()
    server = await listen(lambda _: MessageSocket(heard), "127.0.0.1", 0, Limits())
    raw = await Raw.connect(server.sockets[0].getsockname()[1])
    assert 101 == await raw.ask("/")
    try:
        yield raw, heard
    finally:
        raw.abort()
        await until(lambda: heard.endings)
        server.close()


def test_unfragmented_messages_come_as_they_are() -> None:
    """Text comes as str, binary as bytes, in order, also when they share a read."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            raw.send(frame(TEXT, b"a") + frame(BINARY, b"\xff") + frame(TEXT, "ü".encode()))
            await until(lambda: len(heard.messages) == 3)
            assert ["a", b"\xff", "ü"] == heard.messages

    run(scenario)


def test_a_message_may_come_byte_by_byte() -> None:
    """Where a read ends means nothing."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            for byte in frame(TEXT, b"slow" * 50):
                raw.send(bytes([byte]))
                await asyncio.sleep(0)
            await until(lambda: heard.messages)
            assert ["slow" * 50] == heard.messages

    run(scenario)


def test_fragments_become_one_message() -> None:
    """Continuations are joined, a ping between them is answered, empty parts are allowed."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            umlaut = "ü".encode()
            raw.send(frame(TEXT, b"gr" + umlaut[:1], fin=False))
            raw.send(frame(PING, b"?"))
            raw.send(frame(CONTINUATION, b"", fin=False))
            raw.send(frame(CONTINUATION, umlaut[1:] + b"n"))
            raw.send(frame(BINARY, b"1", fin=False) + frame(CONTINUATION, b"2"))
            assert (PONG, b"?") == await raw.frame()
            await until(lambda: len(heard.messages) == 2)
            assert ["grün", b"12"] == heard.messages

    run(scenario)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xff", fin=False) + frame(CONTINUATION), 1007),
        (frame(TEXT, b"a", reserved=4), 1002),
        (frame(BINARY, b"a", reserved=1), 1002),
        (frame(PING, b"a", reserved=2), 1002),
        (frame(TEXT, b"a", mask=False), 1002),
        (frame(0x3, b"a"), 1002),
        (frame(0xB), 1002),
        (frame(PING, b"a" * 126), 1002),
        (frame(PING, b"a", fin=False), 1002),
        (frame(CONTINUATION, b"a"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(BINARY, b"b", fin=False), 1002),
        (frame(TEXT, b"a" * (MESSAGE_BYTES_MAX + 1)), 1009),
        (frame(BINARY, b"a" * 40000, fin=False) + frame(CONTINUATION, b"a" * 40000), 1009),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(CLOSE, b"\x03\xe8", reserved=7), 1002),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(TEXT, b"fail"), 1011),
    ],
)
def test_a_broken_message_closes_with_its_code_and_costs_nothing_before_it(
    sent: bytes, code: int
) -> None:
    """What RFC 6455 forbids gets its close code, and the stream counts as broken."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            raw.send(frame(TEXT, b"before") + sent + frame(TEXT, b"after"))
            assert code == await raw.close_code()
            raw.send(frame(CLOSE, b"\x03\xe8"))
            assert await raw.is_cut()
            await until(lambda: heard.endings)
            assert ("before", [Ending.BROKEN]) == (heard.messages[0], heard.endings)
            assert [code] == heard.codes

    run(scenario)


@pytest.mark.parametrize(
    ("payload", "code", "ending"),
    [
        (b"", 1000, Ending.CLOSED),
        (b"\x03\xe8", 1000, Ending.CLOSED),
        (b"\x03\xe8bye", 1000, Ending.CLOSED),
        (b"\x03\xe9", 1001, Ending.CLOSED),
        (b"\x03\xf3", 1011, Ending.BROKEN),
        (b"\x0f\xa1", 4001, Ending.BROKEN),
        (b"\x00\x00", 1002, Ending.BROKEN),
        (b"\x03\xee", 1002, Ending.BROKEN),
        (b"\x13\x88", 1002, Ending.BROKEN),
    ],
)
def test_a_close_is_answered_and_says_how_the_stream_ended(
    payload: bytes, code: int, ending: Ending
) -> None:
    """A close is answered by its own code, one that isn't any by 1002; 1000 and 1001 are clean."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            raw.send(frame(CLOSE, payload))
            assert code == await raw.close_code()
            assert await raw.is_cut()
            await until(lambda: heard.endings)
            assert ([ending], [0]) == (heard.endings, heard.codes)

    run(scenario)


@pytest.mark.parametrize("after", [frame(CLOSE, b"\x03\xe8"), frame(0x3, b"a")])
def test_the_first_close_says_how_the_stream_ended(after: bytes) -> None:
    """What a peer still sends after its close changes nothing of how its stream ended."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            raw.send(frame(CLOSE, b"\x03\xe8") + after)
            await until(lambda: heard.endings)
            assert [Ending.CLOSED] == heard.endings

    run(scenario)


def test_a_dead_peer_is_broken() -> None:
    """A connection that ends without a close is broken."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            raw.abort()
            await until(lambda: heard.endings)
            assert ([Ending.BROKEN], [0]) == (heard.endings, heard.codes)

    run(scenario)


def test_our_close_hears_nothing_more() -> None:
    """After we closed, what the peer still sends is nobody's."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            assert heard.socket is not None
            heard.socket.close(4000, "enough")
            assert 4000 == await raw.close_code()
            raw.send(frame(TEXT, b"late") + frame(CLOSE, b"\x0f\xa0"))
            assert await raw.is_cut()
            assert ([], [Ending.BROKEN]) == (heard.messages, heard.endings)
            assert [4000] == heard.codes

    run(scenario)


def test_a_flood_after_our_close_is_left_unread() -> None:
    """Who goes on after our close fills the network, not the sink, until the connection is cut."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            assert heard.socket is not None
            heard.socket.close(4000, "enough")
            flood, sent = frame(TEXT, b"x" * 100) * 600, 0
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(10):
                    while not heard.endings:
                        raw.send(flood)
                        await raw.writer.drain()
                        sent += len(flood)
            assert ([], [Ending.BROKEN]) == (heard.messages, heard.endings)
            assert sent < 16 * 1024 * 1024

    run(scenario)


def test_the_system_holds_little_of_a_connection() -> None:
    """What is read at once, and so the read buffer, is bounded by what the system may hold."""

    async def scenario() -> None:
        server = await listen(lambda _: MessageSocket(Heard()), "127.0.0.1", 0, Limits())
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            held = server.sockets[0].getsockopt(socket.SOL_SOCKET, option)
            assert held <= 2 * MESSAGE_BYTES_MAX  # Linux counts its own bookkeeping, as much again
        server.close()

    run(scenario)


def test_a_leave_hears_the_rest() -> None:
    """When we leave, what was on its way is still heard, until the peer answers."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            assert heard.socket is not None
            heard.socket.leave(1001, "bye")
            assert 1001 == await raw.close_code()
            raw.send(frame(TEXT, b"on its way") + frame(CLOSE, b"\x03\xe9"))
            assert await raw.is_cut()
            assert (["on its way"], [Ending.BROKEN]) == (heard.messages, heard.endings)

    run(scenario)


def test_a_peer_that_never_reads_pongs_is_cut() -> None:
    """A flood of pings whose answers nobody reads takes no memory."""

    async def scenario() -> None:
        async with talking() as (raw, heard):
            raw.writer.transport.pause_reading()
            flood = frame(PING, b"x" * 125) * 1000
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(10):
                    while not heard.endings:
                        raw.send(flood)
                        await raw.writer.drain()
            assert ([Ending.BROKEN], [1008]) == (heard.endings, heard.codes)

    run(scenario)
