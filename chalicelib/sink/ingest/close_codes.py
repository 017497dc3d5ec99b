"""The close codes of a websocket: which ones mean what, who closed first, what answers a close.

RFC 6455, 7.4; 1013 is of IANA's registry.
"""

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

FAULTS = frozenset({PROTOCOL_ERROR, 1003, INVALID_TEXT, POLICY_VIOLATION, TOO_BIG})
"""the close codes of a peer's violations"""

CLEAN = frozenset({NORMAL, GOING_AWAY})
_SENT = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


def send_close(transport: WSTransport, code: int, reason: str) -> None:
    """Send a close frame."""
    transport.send_close(cast(WSCloseCode, code), reason)  # it takes any number


def was_first(transport: WSTransport) -> bool:
    """Whether the peer closed before we did; the parser reads ahead and may have answered."""
    return transport.close_handshake.recv_then_sent


def first_code(transport: WSTransport) -> int:
    """Return what we closed with before the peer did; 0 where we didn't."""
    # Where nobody sent a close it is None, whatever its type says.
    handshake = transport.close_handshake if transport.is_close_frame_sent else None
    if handshake is None or handshake.sent is None or handshake.recv_then_sent:
        return 0
    return cast(int, handshake.sent.code)  # it may be a number that has no name


def answer_to(payload: bytes) -> int:
    """Return what to answer a close with: the peer's code, 1000 for none, 1002 for a wrong one."""
    if not payload:
        return NORMAL
    code = int.from_bytes(payload[:2])
    return code if code in _SENT or 3000 <= code <= 4999 else PROTOCOL_ERROR
