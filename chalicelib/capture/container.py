"""The one stored format of journal objects and segments: index first, payload after, a trailer CRC.

    "TDK1" | u32 index length | index (msgpack) | payloads, back to back | u32 CRC-32 of all before

Integers are big-endian. The index is an `Index`; each entry of it says where its payload lies and
carries the payload's own CRC-32, so that a broken object gives up only what is broken.
"""

from __future__ import annotations

import msgspec

from chalicelib.capture.events import Encoding, Track


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
    messages_late: int = 0
    messages_reordered: int = 0
    messages_duplicated: int = 0
    messages_refused: int = 0
    """malformed ones, answered and left out"""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run of one track's payload without a pause in its arrival."""

    stream_key: str
    track: Track
    encoding: Encoding
    first_sample: int
    """arrival clocks: samples of this track received before it; other clocks: its position"""
    samples: int
    arrived_at_us: int
    """wall clock at which its first message arrived"""
    least_lateness_us: int
    """min over its messages of (arrival - stream's opened_at_us - position), in µs"""
    sequence: int | None = None
    """the carrier's number of its first message, where the dialect has one"""
    messages: int = 1
    payload: bytes = b""
