"""Records and heads for tests, by what matters in them."""

from __future__ import annotations

import msgspec

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StoredRecord, StreamHead

OPENED_US = 1_700_000_000_000_000


def head(stream_key: str = "s1", rate_hz: int = 8000, opened_at_us: int = OPENED_US) -> StreamHead:
    """Return a stream's head."""
    return StreamHead(
        stream_key=stream_key,
        call_key="main/carrier/call",
        carrier_stream_id=f"carrier-{stream_key}",
        dialect="synthetic",
        rate_hz=rate_hz,
        opened_at_us=opened_at_us,
    )


def record(
    first_sample: int,
    samples: int = 8000,
    *,
    late_ms: float = 20.0,
    stream_key: str = "s1",
    track: Track = Track.INBOUND,
    encoding: Encoding = Encoding.PCMU,
    sequence: int | None = None,
    frame: int = 160,
    opened_at_us: int = OPENED_US,
) -> Record:
    """Return a run of 8 kHz frames whose every message was equally late."""
    messages = max(1, samples // frame)
    late_us = round(late_ms * 1000)
    return Record(
        stream_key=stream_key,
        track=track,
        encoding=encoding,
        first_sample=first_sample,
        samples=samples,
        arrived_at_us=opened_at_us + (first_sample + frame) * 125 + late_us,
        least_lateness_us=late_us,
        sequence=sequence,
        last_sequence=None if sequence is None else sequence + messages - 1,
        messages=messages,
        payload=bytes(samples),
    )


def entry(stored: Record, object_key: str = "segments/a") -> StoredRecord:
    """Return a record as if it lay at the beginning of an object."""
    return StoredRecord(
        record=stored, object_key=object_key, offset=0, length=len(stored.payload), crc=0
    )


def silent(one: Record) -> Record:
    """Return a record of which only the facts are known."""
    return msgspec.structs.replace(one, payload=b"")
