"""What the media bucket holds of a call's round: the indexes of its segments, and of the journal
where a stream's media may not all lie in segments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.capture.container import (
    INDEX_HEAD_BYTES,
    StoredIndex,
    decode_index,
    index_size,
    verify_known,
)
from chalicelib.capture.journal import journal_start
from chalicelib.capture.records import StoredRecord, StreamHead
from chalicelib.errors import CorruptContainer, NotFound, Unavailable
from chalicelib.ports.aws import MediaStore
from chalicelib.recording import keys as naming
from chalicelib.recording.model import Stream

_READERS = 8
"""threads: a call of 12 hours has 432 segments, at some 30 ms a read"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """A round's records, wherever they lie; doubles are as they came."""

    heads: tuple[StreamHead, ...]
    entries: tuple[StoredRecord, ...]
    broken: tuple[str, ...]
    """keys of the objects whose index can't be read"""


@dataclass(slots=True)
class _Found:
    """The indexes read so far, by object key, and the keys of broken ones."""

    indexes: dict[str, StoredIndex] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def read_holdings(call_key: str, streams: Sequence[Stream], media: MediaStore) -> Holdings:
    """Return what is stored of these streams of a call. Raises Unavailable; NewerForm where only
    newer code can read some of it."""
    if (known := known_segments(streams)) is not None:
        with suppress(Unavailable):  # one was redacted: a listing shows what replaced it
            return _read_holdings(call_key, known, streams, media)
    listed = list(media.keys(naming.segments_prefix(call_key)))
    return _read_holdings(call_key, listed, streams, media)


def known_segments(streams: Sequence[Stream]) -> list[str] | None:
    """Return the keys of all segments that streams of one call were stored in, in order, as long as
    nobody redacted one; None where they have to be listed."""
    keys: set[str] = set()
    for stream in streams:
        if not stream.complete or stream.segments is None:
            return None
        numbers = range(*stream.segments)
        keys |= {naming.segment_key(stream.call.key, stream.worker, n) for n in numbers}
    return sorted(keys) if streams else None


def _read_holdings(
    call_key: str, keys: Sequence[str], streams: Sequence[Stream], media: MediaStore
) -> Holdings:
    found = _Found()
    with ThreadPoolExecutor(_READERS) as pool:
        for key, index in zip(
            keys, pool.map(lambda key: _read_segment(key, media), keys), strict=True
        ):
            if index is None:
                found.broken.append(key)
            else:
                found.indexes[key] = index
    for worker, first in _journals(call_key, streams, found).items():
        _read_journal(worker, first, media, found)
    return _holdings(found, {stream.stream_key for stream in streams})


def _read_segment(key: str, media: MediaStore) -> StoredIndex | None:
    try:
        return read_index(key, media)
    except NotFound as error:
        raise Unavailable(f"{key} was replaced meanwhile: another recording is erased") from error


def read_index(key: str, media: MediaStore) -> StoredIndex | None:
    """Return an object's index; None: it is broken. Raises NotFound, NewerForm."""
    head = media.get_head(key, INDEX_HEAD_BYTES)
    try:
        size = index_size(head)
        if size > len(head):
            head = media.get_head(key, size)
        return decode_index(head, key)
    except CorruptContainer:
        return None


def _journals(call_key: str, streams: Iterable[Stream], found: _Found) -> Mapping[str, int]:
    """Return the workers whose journal is to be read, each with its first number."""
    firsts: dict[str, int] = {}
    for stream in streams:
        sound = _sound_indexes(call_key, stream.worker, found)
        if not stream.complete or sound is not None:
            indexes = found.indexes.values() if sound is None else sound
            first = journal_start(stream.journal_from, indexes, stream.worker)
            firsts[stream.worker] = min(first, firsts.get(stream.worker, first))
    return firsts


def _sound_indexes(call_key: str, worker: str, found: _Found) -> list[StoredIndex] | None:
    """Return a worker's segments before its first broken one; None: none of them is broken.

    What the broken one held may still lie in the journal, and later ones claim to cover that.
    """
    own = naming.segment_prefix(call_key, worker)
    broken = [key for key in found.broken if key.startswith(own)]
    if not broken:
        return None
    return [index for key, index in found.indexes.items() if key < min(broken)]


def _read_journal(worker: str, first: int, media: MediaStore, found: _Found) -> None:
    after = naming.journal_key(worker, first - 1) if first else ""
    for key in media.keys(naming.journal_prefix(worker), after):
        try:
            index = read_index(key, media)
        except NotFound:
            continue  # deleted meanwhile: segments cover it
        if index is None:
            found.broken.append(key)
        else:
            found.indexes[key] = index


def _holdings(found: _Found, stream_keys: Collection[str]) -> Holdings:
    indexes = found.indexes.values()
    for key, index in found.indexes.items():
        verify_known(index, key, stream_keys)
    return Holdings(
        heads=tuple(h for index in indexes for h in index.heads if h.stream_key in stream_keys),
        entries=tuple(
            entry
            for index in indexes
            for entry in index.entries
            if entry.record.stream_key in stream_keys
        ),
        broken=tuple(found.broken),
    )
