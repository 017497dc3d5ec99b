"""The port on which a worker receives the streams that other workers forward to it.

It is private, and a connection must first present a token that names this worker."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from chalicelib.errors import Unauthenticated, WireError
from chalicelib.recording.model import Ending
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.sink.forwarding.connection import ForwardingConnection
from chalicelib.sink.forwarding.inbound_stream import InboundStream
from chalicelib.sink.forwarding.messages import (
    NAME,
    DigitReceived,
    Hello,
    MediaReceived,
    Message,
    StreamEnded,
    StreamOpened,
    StreamReleased,
    Welcome,
)
from chalicelib.sink.ingest.live_stream import StreamOwner
from chalicelib.sink.runtime.limits import Limits

_ANYWHERE = "192.0.2.1"
"""reserved for documentation; asking for the route to it sends no packet"""

_log = logging.getLogger(__name__)


class ForwardingServer:
    """Listens for other workers that forward streams."""

    def __init__(
        self,
        worker: str,
        streams: StreamOwner,
        token_keys: Callable[[], Sequence[bytes]],
        limits: Limits,
    ) -> None:
        self._worker = worker
        self._streams = streams
        self._token_keys = token_keys
        self._limits = limits
        self._server: asyncio.Server | None = None
        self._connections: set[ForwardingConnection] = set()
        self.is_stopping = False

    async def start(self, host: str, port: int, known_as: str = "") -> str:
        """Listen; return the address for other workers. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port)
        return f"{known_as or _own_host(host)}:{self._server.sockets[0].getsockname()[1]}"

    def refuse_more(self) -> None:
        """Refuse every further stream."""
        self.is_stopping = True

    async def close(self) -> None:
        """Stop listening, and close the connections that are left."""
        for connection in list(self._connections):
            connection.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def verify(self, hello: Hello) -> None:
        """Check the token of a worker that connects. Raises Unauthenticated."""
        keys, now = self._token_keys(), datetime.now(UTC)
        if tokens.verify(keys, hello.token, TokenKind.WORKER, now).subject != self._worker:
            raise Unauthenticated("token: it names another worker", code="token_invalid")

    def open(self, opened: StreamOpened, connection: ForwardingConnection) -> InboundStream:
        """Begin a forwarded stream; return it."""
        stream = InboundStream(opened, connection, self._streams)
        stream.open(opened)
        return stream

    def forget(self, connection: ForwardingConnection) -> None:
        """Take note that a connection has ended."""
        self._connections.discard(connection)

    def _accept(self) -> ForwardingConnection:
        connection = ForwardingConnection(self._limits)
        connection.serve(_Forwarder(self, connection, self._limits))
        self._connections.add(connection)
        return connection


class _Forwarder:
    """A worker that forwards streams to this one; this end of its connection."""

    def __init__(
        self, server: ForwardingServer, connection: ForwardingConnection, limits: Limits
    ) -> None:
        self._server = server
        self._connection = connection
        self._streams: dict[int, InboundStream] = {}
        self._is_authenticated = False
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(limits.handshake_within_s, connection.abort)

    def received(self, message: Message) -> None:
        """Take a message. Raises WireError when it may not come here."""
        if (
            type(message) is MediaReceived
            and (stream := self._streams.get(message.number)) is not None
        ):
            stream.hear(message)
        elif not self._is_authenticated:
            self._authenticate(message)
        elif type(message) is StreamOpened:
            self._open(message)
        elif type(message) is DigitReceived and message.number in self._streams:
            self._streams[message.number].press(message)
        elif type(message) is StreamEnded and message.number in self._streams:
            stream = self._streams.pop(message.number)
            stream.close(message.ending, message.ended_us, message.refused, message.reason)

    def lost(self) -> None:
        """End the streams: no more media will come for them."""
        self._deadline.cancel()
        self._server.forget(self._connection)
        for stream in self._streams.values():
            stream.close(Ending.BROKEN, stream.now_us())

    def _authenticate(self, message: Message) -> None:
        if type(message) is not Hello:
            raise WireError(
                NAME, "the first message must be a Hello with a token", code="unauthenticated"
            )
        try:
            self._server.verify(message)
        except Unauthenticated as error:
            raise WireError(NAME, "the token of the Hello is wrong", code=error.code) from error
        self._deadline.cancel()
        self._is_authenticated = True
        self._connection.send(Welcome())
        _log.info("a worker forwards streams", extra={"passer": message.worker[:80]})

    def _open(self, opened: StreamOpened) -> None:
        if self._server.is_stopping:
            self._connection.send(StreamReleased(opened.number, is_over=True, is_taken=False))
        else:
            going_on = {n: one for n, one in self._streams.items() if not one.ended.is_set()}
            self._streams = going_on | {opened.number: self._server.open(opened, self._connection)}


def _own_host(bound_to: str) -> str:
    """Return an address by which other hosts reach this one."""
    if bound_to not in ("", "0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return bound_to
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ANYWHERE, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
