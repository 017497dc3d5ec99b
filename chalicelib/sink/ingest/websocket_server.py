"""The websocket server: picows with this sink's limits."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from picows import WSListener, WSUpgradeRequest, WSUpgradeResponseWithListener, ws_create_server

from chalicelib.carriers.contract.stream_limits import MESSAGE_BYTES
from chalicelib.sink.runtime.limits import Limits

_READ_BUFFER_BYTES = 4 * 1024
"""to begin with; it grows with what comes at once. A 20 ms message takes 300 bytes"""

_UNREAD_BYTES = 64 * 1024
"""what the system may hold of a connection, for itself as much again: the read buffer grows with
what comes at once and never shrinks, and the system's own 6 MB and more would be a flood's gift"""

_parser_log = logging.LoggerAdapter(logging.getLogger("picows"), {})
_parser_log.setLevel(logging.CRITICAL)  # its sentences quote what peers send

Answer = Callable[[WSUpgradeRequest], WSListener | WSUpgradeResponseWithListener | None]
"""Answers a request before the 101: with a socket for it, or with a refusal."""


async def listen(answer: Answer, host: str, port: int, limits: Limits) -> asyncio.Server:
    """Listen for websockets; `answer` makes a `MessageSocket` for each. Raises OSError."""
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
        max_frame_size=MESSAGE_BYTES,
        read_buffer_init_size=_READ_BUFFER_BYTES,
        backlog=1024,
    )
    for listener in server.sockets:  # what it accepts inherits it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
    return server
