"""What a stream dialect is: websocket messages in, stream events out; no I/O, no clock."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from chalicelib.capture.events import StreamEvent, StreamStarted


class Clock(StrEnum):
    """How a payload of this dialect finds its position (DESIGN §4)."""

    ARRIVAL = "arrival"
    TIMESTAMP = "timestamp"
    RTP = "rtp"
    SAMPLES = "samples"


class StreamDialect(Protocol):
    """One live socket's parser.

    Fed whole messages: `str` for text, `bytes` for binary. Returns the event that the message says, or
    None where the dialect documents that it says nothing (a SignalWire text message, a probe).
    Raises WireError for everything that the dialect doesn't know; the parser stays usable after it.
    """

    name: str
    clock: Clock

    def open(self) -> StreamStarted | None:
        """Return the start that the path alone tells (SignalWire tap), or None where a message will."""

    def receive(self, message: str | bytes) -> StreamEvent | None:
        """Return what one message says."""
