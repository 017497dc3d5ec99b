"""Takes sound out of the media bucket: segments are replaced or deleted, and journal objects where
segments and the sweeper haven't made them go by themselves.

What replaces an object is stored before that is deleted, so a crash leaves both, and the next run
goes on: what was redacted already stays as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from chalicelib.capture.container import StoredIndex, verify_known
from chalicelib.capture.redaction import Redaction, is_concerned, is_void, redact
from chalicelib.errors import NotFound, Unavailable
from chalicelib.ports.aws import MediaStore
from chalicelib.recording import keys as naming
from chalicelib.recording.instants import microseconds
from chalicelib.recording.model import Stream
from chalicelib.services.finalization.media_index import read_index

_THREADS = 8
_PASSES = 5

AFTER_END = timedelta(seconds=60)
"""A stream's media is in its worker's journal this long after its end, or not at all."""


def redact_media(streams: Sequence[Stream], redaction: Redaction, media: MediaStore) -> int:
    """Redact all stored media of some streams of a call; return the number of changed objects.

    It looks until it finds nothing more: another run may have put something meanwhile that it took
    less out of. Raises Unavailable; NewerForm where only newer code can read what has to go, or
    what lies beside it.
    """
    if not streams:
        return 0
    changed = 0
    for _ in range(_PASSES):
        found = _redact_segments(streams[0].call.key, redaction, media)
        found += _redact_journals(streams, redaction, media)
        changed += found
        if not found:
            return changed
    raise Unavailable(f"others put media {_PASSES} times that was to go")


def _redact_segments(call_key: str, redaction: Redaction, media: MediaStore) -> int:
    keys = list(media.keys(naming.segments_prefix(call_key)))
    with ThreadPoolExecutor(_THREADS) as pool:
        return sum(pool.map(lambda key: _redact(key, redaction, media), keys))


def _redact_journals(streams: Sequence[Stream], redaction: Redaction, media: MediaStore) -> int:
    return sum(
        _redact(key, redaction, media)
        for own in _by_worker(streams).values()
        for key in _journal_keys(own, redaction, media)
    )


def _redact(key: str, redaction: Redaction, media: MediaStore) -> bool:
    """Redact an object; return whether it changed. One that goes meanwhile is success."""
    try:
        index = read_index(key, media)
        if index is None:
            return _drop_broken(key, redaction, media)
        verify_known(index, key, redaction.streams)
        if not is_concerned(index, redaction):
            return False
        return _replace(key, index, redaction, media)
    except NotFound:
        return False


def _replace(key: str, index: StoredIndex, redaction: Redaction, media: MediaStore) -> bool:
    verify_known(index, key)
    if not is_void(index, redaction):
        body = media.get(key)
        left = redact(body, key, redaction)
        if left == body:
            return False
        media.put(naming.redacted_key(key, zlib.crc32(left)), left)
    media.delete([key])
    return True


def _drop_broken(key: str, redaction: Redaction, media: MediaStore) -> bool:
    """Delete an object whose index nobody can read, where nobody waits for what it held."""
    if redaction.keeps_facts or not key.startswith("segments/"):
        return False
    media.delete([key])
    return True


def _by_worker(streams: Iterable[Stream]) -> Mapping[str, list[Stream]]:
    found: dict[str, list[Stream]] = {}
    for stream in streams:
        found.setdefault(stream.worker, []).append(stream)
    return found


def _journal_keys(
    streams: Sequence[Stream], redaction: Redaction, media: MediaStore
) -> Iterator[str]:
    """Yield the keys of a worker's journal objects that may hold these streams' media."""
    worker, first = streams[0].worker, min(stream.journal_from for stream in streams)
    until_us = min(redaction.before_us, _until_us(streams))
    after = naming.journal_key(worker, first - 1) if first else ""
    for key in list(media.keys(naming.journal_prefix(worker), after)):
        try:
            index = read_index(key, media)
        except NotFound:
            continue  # segments cover it
        if index is None:
            continue
        if index.entries and min(e.record.arrived_at_us for e in index.entries) >= until_us:
            return  # and so did everything in those that follow
        yield key


def _until_us(streams: Iterable[Stream]) -> int:
    """Return until when media of streams may have been put into the journal."""
    ends = [stream.ended_at or datetime.max.replace(tzinfo=UTC) - AFTER_END for stream in streams]
    return microseconds(max(ends) + AFTER_END)
