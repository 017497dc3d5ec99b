"""Websocket frames in, whole messages out: what RFC 6455 asks and the frame parser leaves to us.

The parser below (picows) refuses unknown opcodes, unmasked frames, broken control frames and frames
over the cap, with 1002 and 1009. Here: continuations, the cap of a whole message, UTF-8, reserved
bits, pings, and the close handshake.

| fact | close code |
|---|---|
| a reserved bit, a continuation of nothing, a message inside another, no such close code | 1002 |
| text, or a close reason, that isn't UTF-8 | 1007 |
| a peer that doesn't read our answers | none: the connection is cut |
| a message over 64 KiB, or over what the dialect may send once its stream has started | 1009 |
| the unfinished messages of all sockets take 28 MiB | 1013 |
| our own failure | 1011 |
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Protocol, cast

from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from chalicelib.carriers.contract.stream_limits import MESSAGE_BYTES
from chalicelib.recording.model import Ending
from chalicelib.sink.ingest import close_codes
from chalicelib.sink.ingest.frame_splitter import SplittingProtocol
from chalicelib.sink.ingest.unfinished import Unfinished
from chalicelib.sink.runtime.limits import Limits

MESSAGE_BYTES_MAX = MESSAGE_BYTES
"""of one message, however many frames it takes, unless its dialect may send more"""

CLOSE_WAIT_S = 2.0
"""how long a peer may take to answer our close: long enough for what it sent before to drain"""

LATE_FRAMES_MAX = 256
"""after our close, before we stop reading: what an honest peer had on its way, not a flood"""

_READ_BUFFER_BYTES = 4 * 1024
"""to begin with; it grows with what comes at once. A 20 ms message takes 300 bytes"""

_UNREAD_BYTES = 64 * 1024
"""what the system may hold of a connection, for itself as much again: the read buffer grows with
what comes at once and never shrinks, and the system's own 6 MB and more would be a flood's gift"""

_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_CONTINUATION = WSMsgType.CONTINUATION
_PING = WSMsgType.PING
_PONG = WSMsgType.PONG

_parser_log = logging.LoggerAdapter(logging.getLogger("picows"), {})
_parser_log.setLevel(logging.CRITICAL)  # its sentences quote what peers send

Answer = Callable[[WSUpgradeRequest], WSListener | WSUpgradeResponseWithListener | None]
"""Judges a request before the 101: a socket for it, or a refusal."""


async def listen(answer: Answer, host: str, port: int, limits: Limits) -> asyncio.Server:
    """Return a server of which `MessageSocket` is the other half. Raises OSError."""
    server = await ws_create_server(
        answer,
        host,
        port,
        websocket_handshake_timeout=limits.handshake_within_s,
        logger_name=_parser_log,
        enable_auto_ping=True,
        auto_ping_idle_timeout=limits.ping_after_s,
        auto_ping_reply_timeout=limits.pong_within_s,
        enable_auto_pong=False,
        max_frame_size=MESSAGE_BYTES_MAX,
        read_buffer_init_size=_READ_BUFFER_BYTES,
        backlog=1024,
    )
    for listener in server.sockets:  # what it accepts inherits it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
    return server


class Session(Protocol):
    """What lives on a socket."""

    def opened(self, socket: MessageSocket) -> None:
        """Begin: the 101 is sent."""

    def receive(self, message: str | bytes) -> None:
        """Take a whole message: `str` for text, `bytes` for binary. Must not raise."""

    def spend(self, size: int) -> None:
        """Note a frame that brought no message: a part of that size, or a control frame (0)."""

    def closed(self, ending: Ending, code: int) -> None:
        """End: called once, after the last message. `code`: with which this side closed first."""


class MessageSocket(WSListener):
    """One connection. Between `opened` and `closed` it gives the session whole messages."""

    def __init__(
        self,
        session: Session,
        penalize: Callable[[], None] = lambda: None,
        unfinished: Unfinished | None = None,
        largest: int = MESSAGE_BYTES_MAX,
    ) -> None:
        """`largest`: what a message may have once `allow_large` was called."""
        self._session = session
        self._unfinished = unfinished or Unfinished()
        self._largest = largest
        self._message_bytes_max = MESSAGE_BYTES_MAX
        self._penalize = penalize
        """called once when the peer is disconnected for what it sent"""
        self._receive = session.receive
        self._transport: WSTransport | None = None
        self._parts = bytearray()
        """of a fragmented message: bytes, because a part of two would cost fifty as an object"""
        self._parts_type: WSMsgType | None = None
        self._is_plain = True
        """neither inside a message nor closing: what hot code asks in one look"""
        self._closing = False
        """later frames are ignored"""
        self._late_frames = 0
        self._leaving = False
        """our close is sent, the peer's isn't here"""
        self._ending = Ending.BROKEN
        self._code = 0
        """with which we closed first"""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin the session."""
        self._transport = transport
        if self._largest > MESSAGE_BYTES_MAX:
            below = transport.underlying_transport
            parser = cast(asyncio.BufferedProtocol, below.get_protocol())
            below.set_protocol(SplittingProtocol(parser, self._largest))
        self._session.opened(self)

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """Pass an unfragmented message on; everything rarer goes another way."""
        if self._is_plain and frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
            kind = frame.msg_type
            if kind is _TEXT:
                try:
                    message = frame.get_payload_as_utf8_text()
                except UnicodeDecodeError:
                    self.close(close_codes.INVALID_TEXT, "not UTF-8")
                    return
                self._receive(message)
                return
            if kind is _BINARY:
                self._receive(frame.get_payload_as_bytes())
                return
        self._on_rare_frame(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """End the session."""
        if not self._code:  # the parser below may have closed, and the peer have answered
            self._code = close_codes.first_code(transport)
            if self._code in close_codes.FAULTS:
                self._penalize()
        self._closing, self._is_plain = True, False
        self._drop_parts()
        self._session.closed(self._ending, self._code)

    def pause_writing(self) -> None:
        """Cut a peer that floods us with pings and doesn't read the pongs."""
        self._penalize()
        self._code = close_codes.POLICY_VIOLATION
        self.abort()

    def resume_writing(self) -> None:
        """Nothing waits for this: we write little else than pongs and closes."""

    def allow_large(self) -> None:
        """Take messages as large as the dialect may send: its stream has started."""
        self._message_bytes_max = max(self._largest, MESSAGE_BYTES_MAX)

    def send(self, message: str | bytes) -> None:
        """Send a message, where the socket is open: rarely, and of a few KB."""
        if self._closing or self._leaving or self._transport is None:
            return
        if isinstance(message, str):
            self._transport.send(_TEXT, message.encode())
        else:
            self._transport.send(_BINARY, message)

    def close(self, code: int, reason: str) -> None:
        """Send a close and ignore later messages; disconnect when the peer answers or takes too
        long."""
        if self._closing or self._transport is None:
            return
        self._closing, self._is_plain = True, False
        self._code = code
        self._drop_parts()
        if code in close_codes.FAULTS:  # now: a flood is left unread, and its end is seen late
            self._penalize()
        close_codes.send_close(self._transport, code, reason)
        asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._transport.disconnect)

    def leave(self, code: int, reason: str) -> None:
        """Send a close, and take what the peer still sends until it answers or takes too long."""
        if self._closing or self._leaving or self._transport is None:
            return
        self._leaving = True
        close_codes.send_close(self._transport, code, reason)
        asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._transport.disconnect)

    def abort(self) -> None:
        """Abort the connection without a close frame."""
        self._closing, self._is_plain = True, False
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def _on_rare_frame(self, frame: WSFrame) -> None:
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(close_codes.PROTOCOL_ERROR, "a reserved bit is set")
        elif kind is WSMsgType.CLOSE:
            self._on_close(frame)
        elif self._closing:
            self._pass_over()
        elif kind is _PING:
            self._session.spend(0)
            if self._transport is not None:
                self._transport.send_pong(frame.get_payload_as_bytes())
        elif kind is _PONG:
            self._session.spend(0)
        else:
            self._on_part(frame, kind)

    def _pass_over(self) -> None:
        """Ignore what comes after our close; leave more than a little of it unread."""
        self._late_frames += 1
        if self._late_frames > LATE_FRAMES_MAX and self._transport is not None:
            below = self._transport.underlying_transport
            if below.is_reading() and not below.is_closing():
                below.pause_reading()

    def _on_part(self, frame: WSFrame, kind: WSMsgType) -> None:
        """Collect a fragmented message."""
        if (kind is _CONTINUATION) is (self._parts_type is None):
            self.close(close_codes.PROTOCOL_ERROR, "a message or a continuation out of place")
            return
        if kind is not _CONTINUATION:
            self._parts_type, self._is_plain = kind, False
        size = len(self._parts) + frame.payload_size
        if size > self._message_bytes_max:
            self.close(close_codes.TOO_BIG, f"over {self._message_bytes_max // 1024} KiB")
            return
        self._session.spend(frame.payload_size)
        if self._closing:  # it was too fast
            return
        if not self._unfinished.grow(len(self._parts), size):
            self.close(close_codes.TRY_AGAIN_LATER, "unfinished_messages")
            return
        self._parts += frame.get_payload_as_memoryview()
        if frame.fin:
            self._join_parts()

    def _join_parts(self) -> None:
        whole, kind = bytes(self._parts), self._parts_type
        self._drop_parts()
        self._parts_type, self._is_plain = None, True
        try:
            message = whole.decode() if kind is _TEXT else whole
        except UnicodeDecodeError:
            self.close(close_codes.INVALID_TEXT, "not UTF-8")
            return
        self._receive(message)

    def _drop_parts(self) -> None:
        self._unfinished.free(len(self._parts))
        self._parts = bytearray()

    def _on_close(self, frame: WSFrame) -> None:
        """Answer the peer's close, or note that it answered ours; then disconnect."""
        if self._transport is None:
            return
        if not self._closing:
            self._closing, self._is_plain = True, False
            code = close_codes.answer_to(frame.get_payload_as_bytes())
            if code in close_codes.CLEAN and close_codes.was_first(self._transport):
                self._ending = Ending.CLOSED
            if not self._transport.is_close_frame_sent:
                close_codes.send_close(self._transport, code, "")
        self._transport.disconnect()
