"""Passing on: the connections to the workers that own calls of which this worker has sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.capture.records import TURN
from chalicelib.errors import TapedeckError
from chalicelib.ports.values import OwnedElsewhere
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.forwarding.connection import Link
from chalicelib.sink.forwarding.outbound_stream import Outcome, Passage
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.runtime.limits import Limits

_TOKEN_FOR = timedelta(seconds=60)


class Relay:
    """Passes streams on, over one connection to each owner."""

    def __init__(
        self, worker: str, token_keys: Callable[[], Sequence[bytes]], limits: Limits
    ) -> None:
        self.address = ""
        """where this worker takes what others pass on; known when its door is open"""
        self._worker = worker
        self._token_keys = token_keys
        self._limits = limits
        self._hosts: dict[str, _Host] = {}
        self._attempts: dict[str, asyncio.Task[_Host | None]] = {}
        """to connect: all streams of one owner wait for the same"""

    async def pass_on(self, stream: EventStream, owner: OwnedElsewhere) -> Outcome:
        """Pass a stream on until it is stored or can't be passed on any more. Then, unless it is
        THROUGH, it begins anew here, with what the owner may lack; where the owner is UNREACHABLE
        it waits as it did."""
        host = await self._host(owner)
        if host is None:
            return Outcome.UNREACHABLE
        passage = host.begin(stream)
        outcome = await _come_through(stream, passage)
        host.forget(passage)
        if outcome is not Outcome.THROUGH:
            stream.begin_anew(
                _next_key(stream.opening.stream_key),
                passage.lately,
                passage.passed,
                is_unwanted=passage.is_unwanted,
            )
        return outcome

    def close(self) -> None:
        """Cut all connections."""
        for attempt in self._attempts.values():
            attempt.cancel()
        for host in list(self._hosts.values()):
            host.link.abort()

    async def _host(self, owner: OwnedElsewhere) -> _Host | None:
        """Return the connection to an owner; None where it can't be reached."""
        host = self._hosts.get(owner.owner)
        if host is not None and host.link.is_open:
            return host
        attempt = self._attempts.get(owner.owner)
        if attempt is None:
            attempt = asyncio.ensure_future(self._connect(owner))
            attempt.add_done_callback(lambda _: self._attempts.pop(owner.owner))
            self._attempts[owner.owner] = attempt
        return await asyncio.shield(attempt)

    async def _connect(self, owner: OwnedElsewhere) -> _Host | None:
        name, _, port = owner.address.rpartition(":")
        if not name or owner.owner == self._worker:
            return None
        link = Link(self._limits)
        host = _Host(link, self._limits)
        try:
            async with asyncio.timeout(self._limits.relay_reach_s):
                await asyncio.get_running_loop().create_connection(lambda: link, name, int(port))
                link.send(wire.Hello(self._worker, self._token(owner.owner)))
                is_welcome = await host.welcome
        except (OSError, TimeoutError, ValueError, TapedeckError):
            is_welcome = False  # whatever it was: the stream is captured here then
        if not is_welcome:
            link.abort()
            return None
        self._hosts = {name: one for name, one in self._hosts.items() if one.link.is_open}
        self._hosts[owner.owner] = host
        return host

    def _token(self, owner: str) -> str:
        expires_at = datetime.now(UTC) + _TOKEN_FOR
        return tokens.issue(self._token_keys(), TokenKind.WORKER, "", owner, expires_at)


class _Host:
    """An owner of calls, at this end of its connection."""

    def __init__(self, link: Link, limits: Limits) -> None:
        self.link = link
        self.welcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._passages: dict[int, Passage] = {}
        self._numbers = itertools.count()
        link.serve(self)

    def begin(self, stream: EventStream) -> Passage:
        """Begin to pass a stream on."""
        number = next(self._numbers)
        passage = self._passages[number] = Passage(stream, self.link, number, self._limits)
        passage.open()
        if not self.link.is_open:
            passage.lost()
        return passage

    def forget(self, passage: Passage) -> None:
        """Hear nothing more of a stream."""
        self._passages = {n: one for n, one in self._passages.items() if one is not passage}

    def received(self, said: wire.Said) -> None:
        """Take a message."""
        if type(said) is wire.Welcome:
            if not self.welcome.done():
                self.welcome.set_result(True)
        elif isinstance(said, wire.OfStream):
            passage = self._passages.get(said.number)
            if passage is not None:
                passage.received(said)

    def lost(self) -> None:
        """Take note that the connection is over."""
        if not self.welcome.done():
            self.welcome.set_result(False)
        for passage in list(self._passages.values()):
            passage.lost()


async def _come_through(stream: EventStream, passage: Passage) -> Outcome:
    ended = asyncio.ensure_future(_end(stream, passage))
    try:
        return await passage.outcome
    finally:
        ended.cancel()


async def _end(stream: EventStream, passage: Passage) -> None:
    await stream.ended.wait()
    passage.end()


def _next_key(stream_key: str) -> str:
    """Return the key of the stream that a socket brings after this one."""
    first, _, turn = stream_key.partition(TURN)
    return f"{first}{TURN}{int(turn or 1) + 1}"
