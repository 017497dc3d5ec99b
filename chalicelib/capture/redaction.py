"""Takes sound out of stored objects, and leaves when it was there: the clock of what stays depends
on every record of a stream, so their facts stay where anybody still reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from chalicelib.capture.container import (
    StoredIndex,
    decode_index,
    encode,
    read_payload,
    verify_known,
)
from chalicelib.capture.events import Track
from chalicelib.capture.records import Record, StoredRecord
from chalicelib.errors import CorruptContainer
from chalicelib.media.codecs import bytes_per_sample, silent_payload

RecordName = tuple[str, Track, int, int]
"""stream, track, source, first sample: the same in the journal and in a segment"""

Span = tuple[int, int]
"""from one sample of a record's payload to before another"""


def name_of(record: Record) -> RecordName:
    """Return what a record is known by, wherever it is stored."""
    return record.stream_key, record.track, record.source, record.first_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The sound to remove: all that some streams brought until a time, except what is shown."""

    streams: Collection[str]
    before_us: int
    """µs since 1970; what arrived later stays"""
    shown: Mapping[RecordName, tuple[Span, ...]] = field(default_factory=dict)
    """in order and apart from each other"""
    keeps_facts: bool = False
    """the facts of records without sound stay: something of these streams is still shown"""

    def concerns(self, stored: StoredRecord) -> bool:
        """Whether anything of a record goes, or may have gone already."""
        record = stored.record
        if record.stream_key not in self.streams or record.arrived_at_us >= self.before_us:
            return False
        whole = ((0, record.samples),)
        return bool(stored.length or not self.keeps_facts) and self.spans(record) != whole

    def voids(self, stored: StoredRecord) -> bool:
        """Whether all of a record goes, its facts too."""
        return self.concerns(stored) and not self.keeps_facts and not self.spans(stored.record)

    def spans(self, record: Record) -> tuple[Span, ...]:
        """Return what is shown of a record."""
        return self.shown.get(name_of(record), ())


def is_concerned(index: StoredIndex, redaction: Redaction) -> bool:
    """Whether an object holds what is to go, or silence in its place."""
    return any(redaction.concerns(entry) for entry in index.entries)


def is_void(index: StoredIndex, redaction: Redaction) -> bool:
    """Whether all of an object goes."""
    return all(redaction.voids(entry) for entry in index.entries)


def redact(body: bytes, key: str, redaction: Redaction) -> bytes:
    """Return an object without what is to go; the same bytes where that has gone already.

    A record whose payload fails its CRC loses it: nobody could read it. Raises CorruptContainer,
    NewerForm.
    """
    index = decode_index(body, key)
    verify_known(index, key)
    records = [_redacted(body, entry, redaction) for entry in _left(index, redaction)]
    told = {record.stream_key for record in records}
    return encode(
        [head for head in index.heads if head.stream_key in told],
        records,
        kind=index.kind,
        worker=index.worker,
        journal_through=index.journal_through,
    )


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, those that touch or overlap as one."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)


def _left(index: StoredIndex, redaction: Redaction) -> Iterator[StoredRecord]:
    return (entry for entry in index.entries if not redaction.voids(entry))


def _redacted(body: bytes, entry: StoredRecord, redaction: Redaction) -> Record:
    try:
        payload = read_payload(body, entry)
    except CorruptContainer:
        payload = b""
    if payload and redaction.concerns(entry):
        payload = _sounding(payload, entry.record, redaction.spans(entry.record))
    return msgspec.structs.replace(entry.record, payload=payload)


def _sounding(payload: bytes, record: Record, spans: tuple[Span, ...]) -> bytes:
    """Return a payload that sounds in its spans and nowhere else; without any it is empty."""
    if not spans:
        return b""
    width = bytes_per_sample(record.encoding)
    sounding = bytearray(silent_payload(len(payload) // width + 1, record.encoding)[: len(payload)])
    for begin, end in spans:
        sounding[width * begin : width * end] = payload[width * begin : width * end]
    return bytes(sounding)
