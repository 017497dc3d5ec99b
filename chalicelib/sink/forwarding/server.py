"""Where a worker takes the streams of its calls that other workers pass on: a private port, and a
token that names this worker before anything else is heard."""

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
from chalicelib.sink.forwarding.connection import Link
from chalicelib.sink.forwarding.inbound_stream import RelayedStream
from chalicelib.sink.forwarding.messages import (
    NAME,
    Ended,
    Heard,
    Hello,
    Opened,
    Pressed,
    Released,
    Said,
    Welcome,
)
from chalicelib.sink.ingest.live_stream import StreamOwner
from chalicelib.sink.runtime.limits import Limits

_ANYWHERE = "192.0.2.1"
"""reserved for documentation: asked for the way there, no packet is sent"""

_log = logging.getLogger(__name__)


class RelayDoor:
    """Listens for other workers."""

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
        self._links: set[Link] = set()
        self.is_stopping = False

    async def start(self, host: str, port: int, known_as: str = "") -> str:
        """Listen; return the address for other workers. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._let_in, host, port)
        return f"{known_as or _own_host(host)}:{self._server.sockets[0].getsockname()[1]}"

    def refuse_more(self) -> None:
        """Take no further stream."""
        self.is_stopping = True

    async def close(self) -> None:
        """Stop listening, and cut what is left."""
        for link in list(self._links):
            link.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def verify(self, hello: Hello) -> None:
        """Prove a worker. Raises Unauthenticated."""
        keys, now = self._token_keys(), datetime.now(UTC)
        if tokens.verify(keys, hello.token, TokenKind.WORKER, now).subject != self._worker:
            raise Unauthenticated("token: another worker's", code="token_invalid")

    def open(self, opened: Opened, link: Link) -> RelayedStream:
        """Return a stream that begins."""
        stream = RelayedStream(opened, link, self._streams)
        stream.open(opened)
        return stream

    def forget(self, link: Link) -> None:
        """Take note that a connection is over."""
        self._links.discard(link)

    def _let_in(self) -> Link:
        link = Link(self._limits)
        link.serve(_Guest(self, link, self._limits))
        self._links.add(link)
        return link


class _Guest:
    """A worker that passes streams on, at this end of its connection."""

    def __init__(self, door: RelayDoor, link: Link, limits: Limits) -> None:
        self._door = door
        self._link = link
        self._streams: dict[int, RelayedStream] = {}
        self._is_proved = False
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(limits.handshake_within_s, link.abort)

    def received(self, said: Said) -> None:
        """Take a message. Raises WireError where it has no place here."""
        if type(said) is Heard and (stream := self._streams.get(said.number)) is not None:
            stream.hear(said)
        elif not self._is_proved:
            self._prove(said)
        elif type(said) is Opened:
            self._open(said)
        elif type(said) is Pressed and said.number in self._streams:
            self._streams[said.number].press(said)
        elif type(said) is Ended and said.number in self._streams:
            stream = self._streams.pop(said.number)
            stream.close(said.ending, said.ended_us, said.refused, said.reason)

    def lost(self) -> None:
        """End the streams: their media so far is all there will be of them."""
        self._patience.cancel()
        self._door.forget(self._link)
        for stream in self._streams.values():
            stream.close(Ending.BROKEN, stream.now_us())

    def _prove(self, said: Said) -> None:
        if type(said) is not Hello:
            raise WireError(NAME, "no token came first", code="unauthenticated")
        try:
            self._door.verify(said)
        except Unauthenticated as error:
            raise WireError(NAME, "a wrong token", code=error.code) from error
        self._patience.cancel()
        self._is_proved = True
        self._link.send(Welcome())
        _log.info("a worker passes streams on", extra={"passer": said.worker[:80]})

    def _open(self, opened: Opened) -> None:
        if self._door.is_stopping:
            self._link.send(Released(opened.number, is_over=True, is_taken=False))
        else:
            going_on = {n: one for n, one in self._streams.items() if not one.ended.is_set()}
            self._streams = going_on | {opened.number: self._door.open(opened, self._link)}


def _own_host(bound_to: str) -> str:
    """Return the address by which other hosts reach this one, where it listens on all."""
    if bound_to not in ("", "0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return bound_to
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_ANYWHERE, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
