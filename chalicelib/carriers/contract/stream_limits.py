"""How much a stream may send: by its dialect, and by its format."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.capture.events import StreamStarted
from chalicelib.media.codecs import bytes_per_sample

MESSAGE_BYTES = 64 * 1024
"""of one message, however many frames it takes, where the dialect says no more"""
LARGEST_MESSAGE_BYTES = 512 * 1024
"""that a dialect may ask for"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What a dialect's sockets may send."""

    message_bytes: int = MESSAGE_BYTES
    """of one message, once the stream has started; before, no dialect may send more than usual"""
    is_base64: bool = False
    """payloads take four bytes for three"""
    envelope_rate: int = 8_000
    """bytes per second of one track beside its payload"""
    subprotocols: tuple[str, ...] = ()
    """that are accepted where the carrier offers them (RFC 6455, 4.2.2)"""

    def __post_init__(self) -> None:
        if not 0 < self.message_bytes <= LARGEST_MESSAGE_BYTES:
            raise ValueError(
                f"message_bytes is {self.message_bytes}; choose 1 to {LARGEST_MESSAGE_BYTES}"
            )

    def wire_rate(self, started: StreamStarted) -> int:
        """Return the bytes per second that a stream of this format brings."""
        width = bytes_per_sample(started.encoding) if started.encoding else 1
        payload = started.rate_hz * width
        if self.is_base64:
            payload = payload * 4 // 3
        return len(started.tracks) * (payload + self.envelope_rate)

    def subprotocol(self, offered: str) -> str:
        """Return the first offered sub-protocol that the dialect knows; empty: none.

        `offered`: the value of `Sec-WebSocket-Protocol`.
        """
        names = [name.strip() for name in offered.split(",")]
        return next((name for name in names if name in self.subprotocols), "")
