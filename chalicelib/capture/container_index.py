"""The index of a container as it is packed, in this code's form, and what it knows of a newer one.

While two versions run, the older reads what the newer wrote. Where newer code has a word that isn't
known here (an encoding, a track, a clock), only the streams that it concerns can't be read.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import StreamHead
from chalicelib.errors import NewerForm


class Kind(StrEnum):
    """Which tier an object belongs to."""

    JOURNAL = "journal"
    SEGMENT = "segment"


Natural = Annotated[int, msgspec.Meta(ge=0)]


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    stream: Natural
    """the place of its head in the index"""
    track: Track
    encoding: Encoding
    first_sample: int
    samples: Natural
    arrived_at_us: int
    least_lateness_us: int
    sequence: int | None
    last_sequence: int | None
    messages: Natural
    length: Natural
    crc: Natural
    source: Natural = 0


class Index(msgspec.Struct, frozen=True, array_like=True):
    kind: Kind
    worker: str
    journal_through: int
    heads: list[StreamHead]
    entries: list[Entry]


pack = msgspec.msgpack.Encoder().encode
"""returns an Index's bytes"""
_decoder = msgspec.msgpack.Decoder(Index)


class _NewerEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry with any words; its numbers are where they always were."""

    stream: Natural
    track: str
    encoding: str
    first_sample: int
    samples: Natural
    arrived_at_us: int
    least_lateness_us: int
    sequence: int | None
    last_sequence: int | None
    messages: Natural
    length: Natural
    crc: Natural
    source: Natural = 0


class _NewerIndex(msgspec.Struct, frozen=True, array_like=True):
    kind: Kind
    worker: str
    journal_through: int
    heads: list[msgspec.Raw]
    entries: list[_NewerEntry]


class _Key(msgspec.Struct, frozen=True, array_like=True):
    stream_key: str


_TRACKS, _ENCODINGS = frozenset(map(str, Track)), frozenset(map(str, Encoding))
_newer_decoder = msgspec.msgpack.Decoder(_NewerIndex)
_head_decoder = msgspec.msgpack.Decoder(StreamHead)
_key_decoder = msgspec.msgpack.Decoder(_Key)


def unpack(packed: bytes, object_key: str) -> tuple[Index, frozenset[str]]:
    """Return an index, and the keys of the streams of which not all words are known; their heads
    and entries have a known word in each unknown one's place. Raises NewerForm."""
    try:
        return _decoder.decode(packed), frozenset()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _known_part(packed, object_key)


def _known_part(packed: bytes, object_key: str) -> tuple[Index, frozenset[str]]:
    try:
        newer = _newer_decoder.decode(packed)
        heads = [_head(head) for head in newer.heads]
        keys = [key for key, _ in heads]
        unknown = {key for key, head in heads if head is None}
        unknown |= {keys[entry.stream] for entry in newer.entries if not _is_known(entry)}
    except (msgspec.MsgspecError, UnicodeDecodeError, IndexError) as error:
        raise NewerForm(f"{object_key}: only newer code knows this index: {error}") from error
    known = Index(
        newer.kind,
        newer.worker,
        newer.journal_through,
        [head or _nobody(key) for key, head in heads],
        [_entry(entry) for entry in newer.entries],
    )
    return known, frozenset(unknown)


def _head(head: msgspec.Raw) -> tuple[str, StreamHead | None]:
    """Return a stream's key, and its head where all of its words are known."""
    try:
        known = _head_decoder.decode(head)
    except msgspec.MsgspecError:
        return _key_decoder.decode(head).stream_key, None
    return known.stream_key, known


def _is_known(entry: _NewerEntry) -> bool:
    return entry.track in _TRACKS and entry.encoding in _ENCODINGS


def _entry(newer: _NewerEntry) -> Entry:
    """Return an entry with a known word in each unknown one's place; its numbers stay."""
    return Entry(
        newer.stream,
        Track(newer.track) if newer.track in _TRACKS else Track.MIXED,
        Encoding(newer.encoding) if newer.encoding in _ENCODINGS else Encoding.PCMU,
        newer.first_sample,
        newer.samples,
        newer.arrived_at_us,
        newer.least_lateness_us,
        newer.sequence,
        newer.last_sequence,
        newer.messages,
        newer.length,
        newer.crc,
        newer.source,
    )


def _nobody(stream_key: str) -> StreamHead:
    """Return a head in the place of one that isn't known."""
    return StreamHead(
        stream_key=stream_key,
        call_key="",
        carrier_stream_id="",
        dialect="",
        rate_hz=8000,
        opened_at_us=0,
    )
