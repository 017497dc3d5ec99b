"""Sends the messages of a test dialect through a capture and the stored form to a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from chalicelib.capture.container import decode_index, encode, read_payload
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Media, StreamEvent, StreamStarted, Track
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record, StoredRecord, StreamHead
from chalicelib.capture.runs import StreamCapture
from chalicelib.capture.timeline import Timeline
from chalicelib.carriers.contract.stream import StreamDialect
from chalicelib.media.codecs import bytes_per_sample

OPENED_US = 1_700_000_000_000_000


class Placed:
    """What a stream's objects hold, and where it lies."""

    def __init__(self, head: StreamHead, records: list[Record]) -> None:
        body = encode([head], records, kind=Kind.SEGMENT, worker="w-1")
        self._body = body
        self.head = head
        self.records = records
        self.entries: tuple[StoredRecord, ...] = decode_index(body, "segment").entries
        self.timeline: Timeline = place([head], self.entries)

    def sound(self, track: Track, silence: bytes) -> bytes:
        """Return a track as it is heard; `silence`: a sample of a hole."""
        heard = b""
        width = len(silence)
        for one in self.timeline.tracks[track]:
            assert len(silence) == bytes_per_sample(one.encoding)
            heard += silence * (one.position - len(heard) // width)
            payload = read_payload(self._body, one.stored)
            heard += payload[one.skip * width : (one.skip + one.samples) * width]
        return heard


def capture(
    parser: StreamDialect, messages: Iterable[tuple[str | bytes, float]], cut_every: int = 50
) -> Placed:
    """Return what comes of messages, each with the seconds after the handshake when it came."""
    stream: StreamCapture | None = None
    started: StreamStarted | None = None
    records: list[Record] = []
    for number, (message, at_s) in enumerate(messages, start=1):
        for event in events(parser, message):
            if isinstance(event, StreamStarted):
                started, stream = event, StreamCapture(_head(parser, event))
            elif isinstance(event, Media):
                assert started is not None
                assert started.encoding is not None
                assert stream is not None
                arrival_us = OPENED_US + round(at_s * 1_000_000)
                run = stream.track(event.track, started.encoding)
                run.add(event.payload, arrival_us, event.sequence, event.offset)
        if stream is not None and not number % cut_every:
            records += stream.cut()
    assert stream is not None
    return Placed(stream.head(), records + stream.cut())


def events(parser: StreamDialect, message: str | bytes) -> Iterator[StreamEvent]:
    """Yield the events of one message."""
    said = parser.receive(message)
    if isinstance(said, tuple):
        yield from said
    elif said is not None:
        yield said


def _head(parser: StreamDialect, started: StreamStarted) -> StreamHead:
    head = StreamHead(
        stream_key="s1",
        call_key="main/carrier/call",
        carrier_stream_id=started.carrier_stream_id,
        dialect=parser.name,
        rate_hz=started.rate_hz,
        opened_at_us=OPENED_US,
        encoding=started.encoding,
    )
    return msgspec.structs.replace(head, clock=parser.clock)
