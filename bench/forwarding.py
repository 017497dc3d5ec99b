"""CPU of forwarding a message to the worker that owns its call: at the socket, and at the owner."""

from __future__ import annotations

import asyncio
import base64
import json
import platform
import random
import time
from collections.abc import Awaitable, Callable
from typing import cast

import uvloop

from chalicelib.carriers import registry
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.forwarding.connection import ForwardingConnection
from chalicelib.sink.forwarding.inbound_stream import InboundStream
from chalicelib.sink.forwarding.outbound_stream import OutboundStream
from chalicelib.sink.ingest.live_stream import LiveStream, Opening
from chalicelib.sink.ingest.socket_stream import SocketStream
from chalicelib.sink.ingest.websocket import MessageSocket
from chalicelib.sink.runtime.limits import Limits

MESSAGES = 30_000
"""five minutes of two tracks"""
TOGETHER = 100
"""messages in a write: what 100 calls of two tracks bring in 10 ms"""
ROUNDS = 5
LIMITS = Limits(wire_rate=1 << 40, stream_for_s=1e6, start_within_s=1e6)
OPENING = Opening(
    account="main", profile="p", carrier="bandwidth", dialect="bandwidth", stream_key="w-1"
)
START = json.dumps(
    {
        "eventType": "start",
        "metadata": {
            "accountId": "5",
            "callId": "c-1",
            "streamId": "s-1",
            "tracks": [
                {"name": name, "mediaFormat": {"encoding": "PCMU", "sampleRate": 8000}}
                for name in ("inbound", "outbound")
            ],
        },
    }
)


def _messages() -> list[str]:
    payload = base64.b64encode(random.Random(1).randbytes(160)).decode()
    return [
        json.dumps(
            {
                "eventType": "media",
                "sequenceNumber": str(number),
                "track": ("inbound", "outbound")[number % 2],
                "payload": payload,
            }
        )
        for number in range(1, MESSAGES + 1)
    ]


SAID = _messages()


class StreamSink:
    """Follows no stream."""

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note."""

    def stream_started(self, stream: LiveStream) -> None:
        """Take note."""

    def stream_closed(self, stream: LiveStream) -> None:
        """Take note."""

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Let it be silent."""


class WrittenBytes:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, written: bytes) -> None:
        """Keep it."""
        self.written.append(written)

    def set_write_buffer_limits(self, high: int) -> None:
        """Take any."""

    def abort(self) -> None:
        """Do nothing."""


class OwnerEnd:
    """The other end: one stream, captured there."""

    def __init__(self, connection: ForwardingConnection) -> None:
        self._connection = connection
        self.stream: InboundStream | None = None

    def received(self, message: wire.Message) -> None:
        """Take what is passed on."""
        if type(message) is wire.MediaReceived and self.stream is not None:
            self.stream.hear(message)
        elif type(message) is wire.StreamOpened:
            self.stream = InboundStream(message, self._connection, StreamSink())
            self.stream.open(message)
            self.stream.keep_media()

    def lost(self) -> None:
        """Take note."""


def _stream() -> SocketStream:
    dialect = registry.parser(registry.route("/bandwidth/token"))
    stream = SocketStream(OPENING, dialect, StreamSink(), LIMITS)
    stream.opened(cast(MessageSocket, None))
    stream.receive(START)
    return stream


async def _captured() -> int:
    stream = _stream()
    stream.keep_media()
    begun_ns = time.process_time_ns()
    for message in SAID:
        stream.receive(message)
    return time.process_time_ns() - begun_ns


async def _passed() -> tuple[int, list[bytes]]:
    connection, out = ForwardingConnection(LIMITS), WrittenBytes()
    connection.connection_made(cast(asyncio.BaseTransport, out))
    stream = _stream()
    OutboundStream(stream, connection, 0, LIMITS).open()
    begun_ns = time.process_time_ns()
    for at in range(0, MESSAGES, TOGETHER):
        for message in SAID[at : at + TOGETHER]:
            stream.receive(message)
        connection.flush()
    return time.process_time_ns() - begun_ns, out.written


async def _at_the_socket() -> int:
    return (await _passed())[0]


async def _at_the_owner() -> int:
    _, written = await _passed()
    connection = ForwardingConnection(LIMITS)
    connection.serve(OwnerEnd(connection))
    connection.connection_made(cast(asyncio.BaseTransport, WrittenBytes()))
    begun_ns = time.process_time_ns()
    for received in written:
        connection.data_received(received)
    return time.process_time_ns() - begun_ns


MEASURED: dict[str, Callable[[], Awaitable[int]]] = {
    "captured where its socket is: parse, keep": _captured,
    "forwarded, at the socket: parse, pack, keep 6 s": _at_the_socket,
    "forwarded, at the owner: unpack, keep": _at_the_owner,
}


async def _measure() -> None:
    for name, measured in MEASURED.items():
        least_ns = min([await measured() for _ in range(ROUNDS)])
        print(f"  {name:<50} {least_ns / MESSAGES / 1000:6.2f} µs")


def main() -> None:
    """Print µs per message, the least of five rounds; without the sockets' own cost."""
    print(f"forwarding: {MESSAGES:,} messages of 20 ms, python {platform.python_version()}")
    uvloop.run(_measure())


if __name__ == "__main__":
    main()
