"""The close handshake of a websocket: its codes, and who closed first (RFC 6455, section 7)."""

from __future__ import annotations

from typing import cast

from picows import WSCloseCode, WSTransport

NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
INVALID_TEXT = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013

CLOSE_WAIT_S = 2.0
"""how long a peer may take to answer our close: long enough for what it sent before to drain"""

FAULTS = frozenset({PROTOCOL_ERROR, 1003, INVALID_TEXT, POLICY_VIOLATION, TOO_BIG})
"""the close codes of a peer's violations"""

CLEAN_CODES = frozenset({NORMAL, GOING_AWAY})
_WIRE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


def send_close(transport: WSTransport, code: int, reason: str) -> None:
    """Send a close frame with any code, named by picows or not."""
    transport.send_close(cast(WSCloseCode, code), reason)


def was_peer_first(transport: WSTransport) -> bool:
    """Whether the peer closed before we did; the parser reads ahead and may have answered."""
    return transport.close_handshake.recv_then_sent


def first_code(transport: WSTransport) -> int:
    """Return what we closed with before the peer did; 0 where we didn't."""
    # Where nobody sent a close it is None, whatever its type says.
    handshake = transport.close_handshake if transport.is_close_frame_sent else None
    if handshake is None or handshake.sent is None or handshake.recv_then_sent:
        return 0
    return cast(int, handshake.sent.code)  # it may be a number that has no name


def answer_code(payload: bytes) -> int:
    """Return what to answer a close with: the peer's code, 1000 for none, 1002 for a wrong one."""
    if not payload:
        return NORMAL
    code = int.from_bytes(payload[:2])
    return code if code in _WIRE_CODES or 3000 <= code <= 4999 else PROTOCOL_ERROR
