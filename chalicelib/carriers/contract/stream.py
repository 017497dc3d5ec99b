"""What a stream dialect is: websocket messages in, stream events out; no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from chalicelib.capture.events import Clock, Encoding, StreamEvent, StreamEvents, StreamStarted
from chalicelib.carriers.contract.stream_limits import StreamLimits


class StreamDialect(Protocol):
    """One live socket's parser.

    It is fed whole messages: `str` for text, `bytes` for binary. It returns the event that the
    message says: a tuple where it says several, which are taken in their order, or None where the
    dialect documents that it says nothing (a SignalWire text message, a probe).
    Media may come before StreamStarted: the reader keeps it until the start names its call.
    Raises WireError for everything that the dialect doesn't know; the parser stays usable after it.
    """

    name: str
    clock: Clock
    """how its media finds its position; every Media of a clock other than arrival has an offset"""
    limits: StreamLimits

    def open(self) -> StreamStarted | None:
        """Return the start that the path alone tells, or None where a message will."""

    def receive(self, message: str | bytes) -> StreamEvents:
        """Return what one message says."""

    def play(self, pcm: bytes) -> str | bytes | None:
        """Return the message that plays sound to the party; None: the carrier plays nothing.

        `pcm`: 8,000 samples a second, native order.
        """


class BurstDialect(StreamDialect, Protocol):
    """A parser that decodes the messages of one read in one call."""

    def receive_many(self, messages: Sequence[str | bytes]) -> Sequence[StreamEvent]:
        """Return what several messages of a started stream say, in their order.

        Raises WireError where one of them is broken, and has changed nothing: then each is given to
        `receive`.
        """


CLOSE_CODES: Mapping[str, int] = MappingProxyType(
    {
        "wrong_dialect": 1003,
        "unsupported_encoding": 1003,
        "bad_start": 1007,
        "start_missing": 1008,
        "other_stream": 1008,
    }
)
"""The WireErrors after which a stream can't go on, and the websocket close code that says so.

Every other code is one message's fault: it is counted, and the stream goes on. `start_missing` is
raised by no parser; it is the reader's, when no start came in time and its media has no call.
"""

G711: Mapping[str, Encoding] = MappingProxyType({"PCMU": Encoding.PCMU, "PCMA": Encoding.PCMA})
"""the encodings that carriers stream at 8,000 Hz, by their names in capitals"""

CARRIER_ID_PATTERN = "[!-~]{1,128}"
"""Every carrier's ids are UUIDs or prefixed UUIDs. The bound keeps the keys made of them,
percent-encoded, inside the 1,024 bytes of an S3 key."""

_CARRIER_ID = re.compile(CARRIER_ID_PATTERN)
_VARIABLE = re.compile(r"[$%]\{")


def is_carrier_id(text: str) -> bool:
    """Whether a text can name a call or a stream: 1 to 128 visible ASCII characters."""
    return _CARRIER_ID.fullmatch(text) is not None


def holds_variable(text: str) -> bool:
    """Whether a text has a variable of SWML, `${…}` or `%{…}`, that wasn't filled in."""
    return _VARIABLE.search(text) is not None
