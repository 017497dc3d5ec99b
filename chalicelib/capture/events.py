"""The events of a stream: the union that every stream dialect translates into."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Track(StrEnum):
    """One side of a leg as the carrier's platform sees it."""

    INBOUND = "inbound"
    """received from the party (SWML *speak*)"""
    OUTBOUND = "outbound"
    """sent to the party (SWML *listen*)"""
    MIXED = "mixed"
    """both in one"""


class Encoding(StrEnum):
    """The encoding of a payload; names as in RFC 3551."""

    PCMU = "PCMU"
    PCMA = "PCMA"
    L16 = "L16"


class Clock(StrEnum):
    """How a payload of a stream finds its position (DESIGN §4)."""

    ARRIVAL = "arrival"
    """by the samples before it, checked against when they arrived"""
    TIMESTAMP = "timestamp"
    """by the carrier's time of it, which is right to a few milliseconds"""
    RTP = "rtp"
    """by its RTP timestamp"""
    SAMPLES = "samples"
    """by the carrier's count of samples, which is exact"""


class StreamStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The stream said, or its path says, which call and tracks it carries."""

    call_id: str
    carrier_stream_id: str
    """the carrier's id; joins the stream with its webhook"""
    tracks: tuple[Track, ...]
    encoding: Encoding | None
    """None: not said in band, the profile knows it"""
    rate_hz: int = 8000
    labels: Mapping[str, str] = {}


class Media(msgspec.Struct, frozen=True, gc=False):
    """Payload of one track. Built 50 times a second per track: keep it small."""

    track: Track
    payload: bytes
    """encoded, as received"""
    sequence: int | None = None
    """the carrier's number, where the dialect has one"""
    offset: int | None = None
    """samples since the stream's zero, by the carrier's own clock; None: the dialect has none"""


class DigitPressed(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier reported in a message that a key was pressed."""

    digit: str
    """one of 0-9, *, #, A-D"""
    track: Track = Track.INBOUND
    """on which it was heard"""


class StreamStopped(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier said that the stream is over."""


class Reply(msgspec.Struct, frozen=True):
    """A message that the carrier expects back on the socket."""

    message: str | bytes
    """`str` for text, `bytes` for binary"""


StreamEvent = StreamStarted | Media | DigitPressed | StreamStopped | Reply
StreamEvents = StreamEvent | tuple[StreamEvent, ...] | None
"""what one message says: mostly one event, several in their order, or nothing"""
