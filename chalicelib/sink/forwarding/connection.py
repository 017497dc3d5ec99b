"""One end of a relay's connection: messages out in few writes, messages in, and whether it lives.

A connection is given up as a whole: what isn't read or answered in time is worth no waiting,
because the passing worker still has it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol, cast

from chalicelib.errors import WireError
from chalicelib.sink.forwarding.messages import Alive, Frames, Said, frame
from chalicelib.sink.runtime.limits import Limits

_log = logging.getLogger(__name__)


class Side(Protocol):
    """Who speaks at one end."""

    def received(self, said: Said) -> None:
        """Take a message. Raises WireError where it has no place here."""

    def lost(self) -> None:
        """Take note that the connection is over: called once."""


class Link(asyncio.Protocol):
    """A connection between two workers."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._side: Side | None = None
        self._transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._unsent: list[bytes] = []
        self._silences = 0
        self._tick: asyncio.TimerHandle | None = None

    def serve(self, side: Side) -> None:
        """Give the messages to this side."""
        self._side = side

    @property
    def is_open(self) -> bool:
        """Tell whether what is sent may arrive."""
        return self._transport is not None

    def pass_on(self, said: Said) -> None:
        """Send a message soon, together with others."""
        if not self._unsent:
            asyncio.get_running_loop().call_later(self._limits.relay_flush_s, self.flush)
        self._unsent.append(frame(said))

    def send(self, said: Said) -> None:
        """Send a message now, after those that wait."""
        self._unsent.append(frame(said))
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None:
            self._transport.write(b"".join(unsent))

    def abort(self) -> None:
        """Cut the connection; `lost` follows."""
        if self._transport is not None:
            self._transport.abort()

    # --- what the loop says ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.relay_bytes)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        self._silences = 0
        try:
            for said in self._frames.receive(data):
                if self._side is not None and type(said) is not Alive:
                    self._side.received(said)
        except WireError as error:
            _log.warning("a relay's connection was cut", extra={"code": error.code})
            self.abort()

    def pause_writing(self) -> None:
        """Give up a peer that reads too slowly."""
        _log.warning("a relay's connection is too slow")
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._transport = None
        if self._tick is not None:
            self._tick.cancel()
        if self._side is not None:
            self._side.lost()

    # --- signs of life ---

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._tick = loop.call_later(self._limits.relay_alive_s, self._look)

    def _look(self) -> None:
        """Say that this end lives; give the other one up where it says nothing."""
        self._silences += 1
        if self._silences > self._limits.relay_silences:
            _log.warning("a relay's connection is silent")
            self.abort()
        else:
            self.send(Alive())
            self._wait()
