"""One end of a connection between two workers: batched writes, reads and keep-alives.

A peer that doesn't read or answer in time loses the whole connection: waiting isn't worth it,
because the forwarding worker still has the media.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, cast

from chalicelib.errors import WireError
from chalicelib.sink.forwarding.messages import Frames, KeepAlive, Message, frame
from chalicelib.sink.runtime.limits import Limits

_log = logging.getLogger(__name__)


class Endpoint(Protocol):
    """What handles the messages at one end."""

    def received(self, message: Message) -> None:
        """Take a message. Raises WireError when it may not come here."""

    def lost(self) -> None:
        """Take note that the connection has ended; called once."""


class ForwardingConnection(asyncio.Protocol):
    """A connection between two workers."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._endpoint: Endpoint | None = None
        self._transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._unsent: list[bytes] = []
        self._silences = 0
        self._tick: asyncio.TimerHandle | None = None

    def serve(self, endpoint: Endpoint) -> None:
        """Hand incoming messages to this endpoint."""
        self._endpoint = endpoint

    @property
    def is_open(self) -> bool:
        """Whether what is sent may arrive."""
        return self._transport is not None

    def queue(self, message: Message) -> None:
        """Send a message within 10 ms, in one write with others."""
        if not self._unsent:
            asyncio.get_running_loop().call_later(self._limits.forwarding_flush_s, self.flush)
        self._unsent.append(frame(message))

    def send(self, message: Message) -> None:
        """Send a message now, behind the queued ones."""
        self._unsent.append(frame(message))
        self.flush()

    def flush(self) -> None:
        """Write all queued messages."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None:
            self._transport.write(b"".join(unsent))

    def abort(self) -> None:
        """Close the connection at once; `lost` follows."""
        if self._transport is not None:
            self._transport.abort()

    # --- called by the loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the keep-alive timer."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.forwarding_bytes)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Decode what came, and hand it on."""
        self._silences = 0
        try:
            for message in self._frames.receive(data):
                if self._endpoint is not None and type(message) is not KeepAlive:
                    self._endpoint.received(message)
        except WireError as error:
            _log.warning(
                "a forwarding connection was closed for a bad message", extra={"code": error.code}
            )
            self.abort()

    def pause_writing(self) -> None:
        """Disconnect a peer that reads too slowly."""
        _log.warning("a forwarding peer reads too slowly")
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, and tell the endpoint."""
        self._transport = None
        if self._tick is not None:
            self._tick.cancel()
        if self._endpoint is not None:
            self._endpoint.lost()

    # --- keep-alives ---

    def _start_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._tick = loop.call_later(self._limits.forwarding_alive_s, self._check_peer)

    def _check_peer(self) -> None:
        """Send a keep-alive; disconnect a peer that has sent nothing."""
        self._silences += 1
        if self._silences > self._limits.forwarding_silences:
            _log.warning("a forwarding peer is silent")
            self.abort()
        else:
            self.send(KeepAlive())
            self._start_timer()
