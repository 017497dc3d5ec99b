"""The facts that capture keeps: a stream, its records, and where a stored record lies."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from chalicelib.capture.events import Clock, Encoding, Track

TURN = "~"
"""in a stream's key: before the number of a socket's second stream, its third …"""


class StreamHead(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The stream that a container's records belong to, and its counts so far."""

    stream_key: str
    call_key: str
    carrier_stream_id: str
    dialect: str
    rate_hz: int
    opened_at_us: int
    """the wall clock at the handshake; arrivals of its records count from the same anchor"""
    messages_received: int = 0
    messages_lost: int = 0
    """by the carrier's sequence numbers; 0 where the dialect has none"""
    messages_late: int = 0
    """those that came 40 ms and more after what came before them"""
    messages_reordered: int = 0
    messages_duplicated: int = 0
    """a copy of the one before; left out"""
    messages_refused: int = 0
    """malformed ones, answered and left out"""
    clock: Clock = Clock.ARRIVAL
    """what its records' `first_sample` means"""
    profile: str = ""
    """whose token it came with; with it a stream that never joined its call can still do so"""
    encoding: Encoding | None = None
    """as the carrier said it in band; None: it says none there"""
    brought: tuple[tuple[Track, int], ...] = ()
    """samples of each track that its socket brought before its first ones: a socket's streams, that
    follow each other where a call's owners do, count on by them"""

    @property
    def socket_key(self) -> str:
        """Return what all streams of one socket have in common."""
        return self.stream_key.partition(TURN)[0]


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run of one track's payload without a pause in its arrival."""

    stream_key: str
    track: Track
    encoding: Encoding
    first_sample: int
    """arrival clocks: samples of this track received before it; other clocks: its position, by
    the source's first message; negative for what was sent before that one and came after it"""
    samples: int
    arrived_at_us: int
    """wall clock at which its first message arrived"""
    least_lateness_us: int
    """min over its messages of (arrival - stream's opened_at_us - position of its end), in µs"""
    sequence: int | None = None
    """the carrier's number of its first message, where the dialect has one"""
    last_sequence: int | None = None
    """the carrier's number of its last message"""
    messages: int = 1
    payload: bytes = b""
    source: int = 0
    """0, 1, …: which of the stream's clocks the position is on; a new RTP source starts another"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record's facts without its payload, and where the payload lies."""

    record: Record
    """its payload is empty here"""
    object_key: str
    offset: int
    """of the payload within the object, in bytes"""
    length: int
    """bytes"""
    crc: int
