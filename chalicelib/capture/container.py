"""The one stored format of journal objects and segments: index first, payloads after, a trailer.

    "TDK1" | u32 index length | u32 CRC-32 of the index
    index (msgpack, an `Index`)
    payloads, back to back, in the index's order
    u32 CRC-32 of everything before the payloads

Integers are big-endian. Each entry of the index carries its payload's length and CRC-32, so the
payloads are read once to seal an object, and a broken one gives up only what is broken. The index
has a CRC of its own because assembly reads it from an object's first bytes, without the trailer.
New fields go to the end of the index's structs; an older reader leaves them out. A stream of which
it doesn't know a word (an encoding, a track, a clock) is named as `unknown`: newer code wrote it,
and its records are neither read nor dropped.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import msgspec

from chalicelib.capture.container_index import Entry, Index, Kind, pack, unpack
from chalicelib.capture.records import Record, StoredRecord, StreamHead
from chalicelib.errors import CorruptContainer, NewerForm

INDEX_HEAD_BYTES = 32 * 1024
"""first bytes of a segment that usually hold its index: 100 s of two tracks take about 20 KB"""

_MAGIC = b"TDK1"
_HEADER = struct.Struct(">4sII")
_TRAILER = struct.Struct(">I")
_LARGEST_INDEX = 64 * 1024 * 1024
"""bytes; what no writer reaches, so that a broken length asks for no absurd read"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIndex:
    """The facts in the first bytes of an object."""

    kind: Kind
    worker: str
    journal_through: int
    """of a segment: its worker's journal numbers up to this one hold nothing of its call that
    this and earlier segments don't; -1: none is covered"""
    heads: tuple[StreamHead, ...]
    entries: tuple[StoredRecord, ...]
    unknown: frozenset[str] = frozenset()
    """keys of the streams that only newer code can read; neither their heads nor their entries are
    among the others"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A whole object, read."""

    kind: Kind
    worker: str
    journal_through: int
    heads: tuple[StreamHead, ...]
    records: tuple[Record, ...]
    broken: tuple[str, ...]
    """one sentence for each record whose payload fails its CRC; it isn't among `records`"""


def encode(
    heads: Iterable[StreamHead],
    records: Iterable[Record],
    *,
    kind: Kind,
    worker: str,
    journal_through: int = -1,
) -> bytes:
    """Return an object's bytes. Every record's stream has its head among `heads`."""
    streams = list(heads)
    place_of = {head.stream_key: place for place, head in enumerate(streams)}
    entries: list[Entry] = []
    payloads: list[bytes] = []
    for record in records:
        entries.append(_entry(record, place_of[record.stream_key]))
        payloads.append(record.payload)
    index = pack(Index(kind, worker, journal_through, streams, entries))
    header = _HEADER.pack(_MAGIC, len(index), zlib.crc32(index))
    trailer = _TRAILER.pack(zlib.crc32(index, zlib.crc32(header)))
    return b"".join([header, index, *payloads, trailer])


def _entry(record: Record, stream: int) -> Entry:
    return Entry(
        stream,
        record.track,
        record.encoding,
        record.first_sample,
        record.samples,
        record.arrived_at_us,
        record.least_lateness_us,
        record.sequence,
        record.last_sequence,
        record.messages,
        len(record.payload),
        zlib.crc32(record.payload),
        record.source,
    )


def index_size(head: bytes) -> int:
    """Return how many first bytes of the object hold its whole index; 12 bytes tell.

    Raises CorruptContainer where they are no container's.
    """
    return _HEADER.size + _parse_header(head)[0]


def decode_index(head: bytes, object_key: str) -> StoredIndex:
    """Return an object's facts from its first `index_size` bytes or more.

    Raises CorruptContainer where they fail their CRC, NewerForm where they don't, and still aren't
    an index of any form that this code knows.
    """
    length, crc = _parse_header(head)
    packed = head[_HEADER.size : _HEADER.size + length]
    if len(packed) < length:
        raise CorruptContainer(f"{object_key}: {len(packed)} of {length} index bytes are there")
    if zlib.crc32(packed) != crc:
        raise CorruptContainer(f"{object_key}: the index fails its CRC")
    index, unknown = unpack(packed, object_key)
    located = _locate(index, object_key, _HEADER.size + length)
    return StoredIndex(
        kind=index.kind,
        worker=index.worker,
        journal_through=index.journal_through,
        heads=tuple(head for head in index.heads if head.stream_key not in unknown),
        entries=tuple(one for one in located if one.record.stream_key not in unknown),
        unknown=unknown,
    )


def _parse_header(head: bytes) -> tuple[int, int]:
    if len(head) < _HEADER.size:
        raise CorruptContainer(f"{len(head)} bytes are no container")
    magic, length, crc = _HEADER.unpack_from(head)
    if magic != _MAGIC:
        if magic[:3] == _MAGIC[:3] and magic[3:].isdigit():
            raise NewerForm(f"a container of form {magic!r}: this code knows {_MAGIC!r}")
        raise CorruptContainer(f"a container begins with {_MAGIC!r}, not {magic!r}")
    if length > _LARGEST_INDEX:
        raise CorruptContainer(f"an index of {length} bytes is longer than {_LARGEST_INDEX}")
    return length, crc


def _locate(index: Index, object_key: str, offset: int) -> tuple[StoredRecord, ...]:
    stored: list[StoredRecord] = []
    for entry in index.entries:
        if entry.stream >= len(index.heads):
            raise CorruptContainer(f"{object_key}: an entry names stream {entry.stream}")
        stored.append(
            StoredRecord(
                record=_record(entry, index.heads[entry.stream].stream_key),
                object_key=object_key,
                offset=offset,
                length=entry.length,
                crc=entry.crc,
            )
        )
        offset += entry.length
    return tuple(stored)


def _record(entry: Entry, stream_key: str) -> Record:
    return Record(
        stream_key=stream_key,
        track=entry.track,
        encoding=entry.encoding,
        first_sample=entry.first_sample,
        samples=entry.samples,
        arrived_at_us=entry.arrived_at_us,
        least_lateness_us=entry.least_lateness_us,
        sequence=entry.sequence,
        last_sequence=entry.last_sequence,
        messages=entry.messages,
        source=entry.source,
    )


def verify_known(index: StoredIndex, object_key: str, among: Collection[str] | None = None) -> None:
    """Raise NewerForm where an object holds streams that only newer code can read, of all or
    `among` some: rewriting it without them, or deleting it, would lose them."""
    if index.unknown if among is None else index.unknown.intersection(among):
        raise NewerForm(f"{object_key}: only newer code reads streams {sorted(index.unknown)}")


def read_payload(body: bytes, entry: StoredRecord) -> bytes:
    """Return one record's payload from its object's bytes. Raises CorruptContainer, naming it."""
    payload = body[entry.offset : entry.offset + entry.length]
    if len(payload) != entry.length or zlib.crc32(payload) != entry.crc:
        record = entry.record
        raise CorruptContainer(
            f"{entry.object_key}: stream {record.stream_key}, {record.track},"
            f" samples from {record.first_sample}: the payload fails its CRC"
        )
    return payload


def decode(body: bytes, object_key: str = "container") -> Container:
    """Return a whole object's records; those with a broken payload are only named.

    Raises CorruptContainer where the index or the trailer is broken, NewerForm where not all of it
    is known.
    """
    index = decode_index(body, object_key)
    verify_known(index, object_key)
    end = index_size(body)
    sealed = end + sum(entry.length for entry in index.entries)
    if body[sealed:] != _TRAILER.pack(zlib.crc32(body[:end])):
        raise CorruptContainer(f"{object_key}: the trailer fails its CRC")
    records: list[Record] = []
    broken: list[str] = []
    for entry in index.entries:
        try:
            payload = read_payload(body, entry)
        except CorruptContainer as error:
            broken.append(error.message)
        else:
            records.append(msgspec.structs.replace(entry.record, payload=payload))
    return Container(
        kind=index.kind,
        worker=index.worker,
        journal_through=index.journal_through,
        heads=index.heads,
        records=tuple(records),
        broken=tuple(broken),
    )
