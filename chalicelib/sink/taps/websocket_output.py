"""A tap's messages over a websocket: bare codec bytes, as SignalWire's tap sends them.

What a slow listener doesn't take waits for five seconds, then the oldest is dropped. A connection
that breaks is opened again, a few times; a listener that closes as one does who is done is done.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from chalicelib.errors import Unreachable
from chalicelib.sink.ingest.close_codes import NORMAL
from chalicelib.sink.ingest.websocket import CLOSE_WAIT_S
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import delays
from chalicelib.sink.runtime.tasks import Tasks

_ENVELOPE_BYTES = 8
"""of a short message to a server"""

MESSAGE_COST = 64
"""bytes that everything it says costs beside its own, so that empty messages aren't free"""

_BINARY = WSMsgType.BINARY

Dial = Callable[[WSListener], Awaitable[None]]
"""opens a websocket for a listener; raises Unreachable"""


class WsOutlet:
    """One destination, over as many connections as it takes."""

    def __init__(
        self,
        dial: Dial,
        message_bytes: int,
        ptime_ms: int,
        limits: Limits,
        tasks: Tasks,
        on_end: Callable[[str], None],
    ) -> None:
        self.sent = self.dropped = self.reconnects = 0
        self._dial = dial
        self._limits = limits
        self._tasks = tasks
        self._on_end = on_end
        a_second = 1000 // ptime_ms
        self._high_bytes = a_second * (message_bytes + _ENVELOPE_BYTES)
        self._queue: deque[bytes] = deque()
        self._most = int(a_second * limits.tap_queue_s)
        self._line: _Line | None = None
        self._is_closed = False
        self._tries_left = limits.tap_retries
        self._opened_at = 0.0
        self._begun_at = asyncio.get_running_loop().time()
        self._overheard = 0

    @property
    def source(self) -> tuple[str, int]:
        """Return nothing: SWML tells it of RTP alone."""
        return "", 0

    async def open(self) -> None:
        """Connect for the first time. Raises Unreachable."""
        await self._dial(_Line(self))

    def send(self, message: bytes) -> None:
        """Send a message, or keep it until the listener takes more."""
        line = self._line
        if line is not None and line.is_clear:
            line.send(message)
            self.sent += 1
            return
        self._queue.append(message)
        if len(self._queue) > self._most:
            self._queue.popleft()
            self.dropped += 1

    def close(self) -> None:
        """Say goodbye, and send nothing more."""
        self._is_closed = True
        self.dropped += len(self._queue)
        self._queue.clear()
        if self._line is not None:
            self._line.close()

    # --- what a connection says

    def connected(self, line: _Line) -> None:
        """Go on with what waited."""
        self._line = line
        self._opened_at = asyncio.get_running_loop().time()
        line.limit(self._high_bytes)
        if self._is_closed:
            line.close()
        self.flush()

    def overhear(self, size: int) -> None:
        """Leave what a listener says; end where it talks without measure."""
        self._overheard += size + MESSAGE_COST
        minutes = (asyncio.get_running_loop().time() - self._begun_at) / 60
        if self._overheard > self._limits.tap_chatter_bytes * (1 + minutes):
            self._on_end("too_talkative")
            self.close()

    def flush(self) -> None:
        """Send what waits, as far as it is taken."""
        while self._queue and self._line is not None and self._line.is_clear:
            self._line.send(self._queue.popleft())
            self.sent += 1

    def disconnected(self, *, is_done: bool) -> None:
        """Connect again, unless one of both is done."""
        self._line = None
        if self._is_closed:
            return
        if is_done:
            self._on_end("hung_up")
            return
        if asyncio.get_running_loop().time() - self._opened_at >= self._limits.tap_stable_s:
            self._tries_left = self._limits.tap_retries
        self._tasks.start(self._reconnect())

    async def _reconnect(self) -> None:
        reason = "unreachable"
        first_s, most_s = self._limits.tap_retry_first_s, self._limits.tap_retry_most_s
        for delay_s in islice(delays(first_s, most_s), self._tries_left):
            self._tries_left -= 1
            await asyncio.sleep(delay_s)
            if self._is_closed:
                return
            try:
                await self._dial(_Line(self))
            except Unreachable as error:
                reason = error.code
                continue
            self.reconnects += 1
            return
        self._on_end(reason)


class _Line(WSListener):
    """One connection. Whatever the listener says is left, but for its close."""

    def __init__(self, outlet: WsOutlet) -> None:
        self.is_clear = False
        """it takes a message now"""
        self._outlet = outlet
        self._transport: WSTransport | None = None
        self._is_done = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin."""
        self._transport = transport
        self.is_clear = True
        self._outlet.connected(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a close."""
        if frame.msg_type is not WSMsgType.CLOSE:
            self._outlet.overhear(frame.payload_size)
            return
        self.is_clear = False
        payload = frame.get_payload_as_bytes()
        code = int.from_bytes(payload[:2]) if payload else NORMAL
        self._is_done = code == NORMAL
        if not transport.is_close_frame_sent:
            transport.send_close(cast(WSCloseCode, NORMAL), "")
        transport.disconnect()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """End."""
        self.is_clear = False
        self._outlet.disconnected(is_done=self._is_done)

    def pause_writing(self) -> None:
        """Let messages wait: the listener is slow."""
        self.is_clear = False

    def resume_writing(self) -> None:
        """Send what waited."""
        self.is_clear = True
        self._outlet.flush()

    def limit(self, high_bytes: int) -> None:
        """Say how much may lie in the connection before messages wait."""
        if self._transport is not None:
            self._transport.underlying_transport.set_write_buffer_limits(high=high_bytes)

    def send(self, message: bytes) -> None:
        """Send a binary message."""
        if self._transport is not None:
            self._transport.send(_BINARY, message)

    def close(self) -> None:
        """Send a close; disconnect when the listener answers or takes too long."""
        self.is_clear = False
        transport = self._transport
        if transport is None:
            return
        transport.send_close(cast(WSCloseCode, NORMAL), "")
        loop = asyncio.get_running_loop()
        loop.call_later(CLOSE_WAIT_S, lambda: transport.disconnect(graceful=False))
