"""One end of a forwarding connection, over a transport by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import cast

from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.forwarding.connection import ForwardingConnection
from tests.sink.rig import QUICK, run

LIMITS = replace(QUICK, forwarding_alive_s=0.05, forwarding_flush_s=0.01)


@dataclass
class Line:
    """A transport, and the endpoint of its messages."""

    connection: ForwardingConnection = field(default_factory=lambda: ForwardingConnection(LIMITS))
    written: list[bytes] = field(default_factory=list)
    heard: list[wire.Message] = field(default_factory=list)
    losses: int = 0

    def __post_init__(self) -> None:
        self.connection.serve(self)
        self.connection.connection_made(cast(asyncio.BaseTransport, self))

    def write(self, written: bytes) -> None:
        """Keep what is written."""
        self.written.append(written)

    def set_write_buffer_limits(self, high: int) -> None:
        """Take the bound."""
        assert LIMITS.forwarding_bytes == high

    def abort(self) -> None:
        """Tell that the connection is over."""
        asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    def received(self, message: wire.Message) -> None:
        """Keep what is heard."""
        self.heard.append(message)

    def lost(self) -> None:
        """Count."""
        self.losses += 1

    def said(self) -> list[wire.Message]:
        """Return what was written."""
        return list(wire.Frames().receive(b"".join(self.written)))


def test_many_messages_are_one_write_and_in_order() -> None:
    """What is passed on waits a moment; what is sent at once takes it along."""

    async def scenario() -> None:
        line = Line()
        for number in range(3):
            line.connection.queue(wire.StreamStored(number))
        assert [] == line.written
        await asyncio.sleep(0.03)
        assert 1 == len(line.written)
        line.connection.queue(wire.StreamStored(3))
        line.connection.send(wire.KeepMedia(3, is_kept=False))
        assert 2 == len(line.written)
        assert [*map(wire.StreamStored, range(4)), wire.KeepMedia(3, is_kept=False)] == line.said()
        line.abort()

    run(scenario)


def test_a_peer_that_says_nothing_is_given_up_and_one_that_lives_is_not() -> None:
    """Each end says that it lives; three silences are the end."""

    async def scenario() -> None:
        silent, living = Line(), Line()
        for _ in range(6):
            living.connection.data_received(wire.frame(wire.KeepAlive()))
            await asyncio.sleep(0.05)
        assert (1, 0) == (silent.losses, living.losses)
        assert wire.KeepAlive() in silent.said()
        assert [] == living.heard
        living.abort()

    run(scenario)


def test_a_peer_that_reads_too_slowly_is_given_up() -> None:
    """Nothing is dropped from its connection: it ends, and the endpoint learns that once."""

    async def scenario() -> None:
        line = Line()
        line.connection.pause_writing()
        await asyncio.sleep(0)
        assert 1 == line.losses
        assert not line.connection.is_open
        line.connection.queue(wire.StreamStored(0))
        line.connection.send(wire.StreamStored(1))
        assert [] == line.written

    run(scenario)
