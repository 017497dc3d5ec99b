"""Forwards streams to the workers that own their calls, over one connection to each owner."""

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
from chalicelib.sink.forwarding.connection import ForwardingConnection
from chalicelib.sink.forwarding.outbound_stream import ForwardingResult, OutboundStream
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.runtime.limits import Limits

_TOKEN_FOR = timedelta(seconds=60)


class ForwardingClient:
    """Keeps one connection to each owner, and forwards streams over it."""

    def __init__(
        self, worker: str, token_keys: Callable[[], Sequence[bytes]], limits: Limits
    ) -> None:
        self.address = ""
        """where this worker receives streams from others; set once its server listens"""
        self._worker = worker
        self._token_keys = token_keys
        self._limits = limits
        self._peers: dict[str, _OwnerConnection] = {}
        self._attempts: dict[str, asyncio.Task[_OwnerConnection | None]] = {}
        """connections being opened: all streams of an owner wait for the same one"""

    async def forward(self, stream: EventStream, owner: OwnedElsewhere) -> ForwardingResult:
        """Forward a stream until it is stored, or can't be forwarded further.

        Unless the result is THROUGH, the stream starts again here with the media that the owner may
        lack. If the owner is UNREACHABLE, nothing was forwarded and the stream waits as before.
        """
        peer = await self._reach(owner)
        if peer is None:
            return ForwardingResult.UNREACHABLE
        outbound = peer.begin(stream)
        outcome = await _result_of(stream, outbound)
        peer.forget(outbound)
        if outcome is not ForwardingResult.THROUGH:
            stream.begin_anew(
                _next_key(stream.opening.stream_key),
                outbound.recent,
                outbound.forwarded,
                is_unwanted=outbound.is_unwanted,
            )
        return outcome

    def close(self) -> None:
        """Close all connections at once."""
        for attempt in self._attempts.values():
            attempt.cancel()
        for peer in list(self._peers.values()):
            peer.connection.abort()

    async def _reach(self, owner: OwnedElsewhere) -> _OwnerConnection | None:
        """Return the connection to an owner; None if it can't be reached."""
        peer = self._peers.get(owner.owner)
        if peer is not None and peer.connection.is_open:
            return peer
        attempt = self._attempts.get(owner.owner)
        if attempt is None:
            attempt = asyncio.ensure_future(self._connect(owner))
            attempt.add_done_callback(lambda _: self._attempts.pop(owner.owner))
            self._attempts[owner.owner] = attempt
        return await asyncio.shield(attempt)

    async def _connect(self, owner: OwnedElsewhere) -> _OwnerConnection | None:
        name, _, port = owner.address.rpartition(":")
        if not name or owner.owner == self._worker:
            return None
        connection = ForwardingConnection(self._limits)
        peer = _OwnerConnection(connection, self._limits)
        try:
            async with asyncio.timeout(self._limits.forwarding_reach_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, name, int(port)
                )
                connection.send(wire.Hello(self._worker, self._token(owner.owner)))
                is_welcome = await peer.welcome
        except (OSError, TimeoutError, ValueError, TapedeckError):
            is_welcome = False  # for whatever reason: this worker captures the stream then
        if not is_welcome:
            connection.abort()
            return None
        self._peers = {name: one for name, one in self._peers.items() if one.connection.is_open}
        self._peers[owner.owner] = peer
        return peer

    def _token(self, owner: str) -> str:
        expires_at = datetime.now(UTC) + _TOKEN_FOR
        return tokens.issue(self._token_keys(), TokenKind.WORKER, "", owner, expires_at)


class _OwnerConnection:
    """This end of the connection to one owner."""

    def __init__(self, connection: ForwardingConnection, limits: Limits) -> None:
        self.connection = connection
        self.welcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._streams: dict[int, OutboundStream] = {}
        self._numbers = itertools.count()
        connection.serve(self)

    def begin(self, stream: EventStream) -> OutboundStream:
        """Begin to forward a stream."""
        number = next(self._numbers)
        outbound = self._streams[number] = OutboundStream(
            stream, self.connection, number, self._limits
        )
        outbound.open()
        if not self.connection.is_open:
            outbound.lost()
        return outbound

    def forget(self, outbound: OutboundStream) -> None:
        """Ignore further messages about a stream."""
        self._streams = {n: one for n, one in self._streams.items() if one is not outbound}

    def received(self, message: wire.Message) -> None:
        """Take a message."""
        if type(message) is wire.Welcome:
            if not self.welcome.done():
                self.welcome.set_result(True)
        elif isinstance(message, wire.StreamMessage):
            outbound = self._streams.get(message.number)
            if outbound is not None:
                outbound.received(message)

    def lost(self) -> None:
        """Take note that the connection has ended."""
        if not self.welcome.done():
            self.welcome.set_result(False)
        for outbound in list(self._streams.values()):
            outbound.lost()


async def _result_of(stream: EventStream, outbound: OutboundStream) -> ForwardingResult:
    ended = asyncio.ensure_future(_end(stream, outbound))
    try:
        return await outbound.result
    finally:
        ended.cancel()


async def _end(stream: EventStream, outbound: OutboundStream) -> None:
    await stream.ended.wait()
    outbound.end()


def _next_key(stream_key: str) -> str:
    """Return the key of the next stream on the same socket."""
    first, _, turn = stream_key.partition(TURN)
    return f"{first}{TURN}{int(turn or 1) + 1}"
