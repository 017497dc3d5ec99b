"""Adopts streams that a worker captured alone: it died while the database was unavailable.

Only the worker's journal has their media. Before that journal is deleted, they join their calls and
end; from then on they are like the other streams of a dead worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from chalicelib.capture.container import StoredIndex, verify_known
from chalicelib.capture.events import Track
from chalicelib.capture.records import StoredRecord, StreamHead
from chalicelib.errors import CallerError, NotFound
from chalicelib.ports.aws import MediaStore
from chalicelib.ports.values import JoinRequest
from chalicelib.recording import keys as naming
from chalicelib.recording.instants import instant
from chalicelib.recording.model import CallRef, Stream
from chalicelib.services.calls.call_lifecycle import CallController
from chalicelib.services.finalization.media_index import read_index
from chalicelib.services.recovery.journals import LARGEST_DELETION

_READERS = 8
"""threads: a worker that captures alone writes one object a second"""


@dataclass(slots=True, kw_only=True)
class _Found:
    """The media of one stream in a journal."""

    head: StreamHead
    journal_from: int
    tracks: set[Track] = field(default_factory=set)
    heard_until_us: int = 0

    def note(self, entry: StoredRecord) -> None:
        record = entry.record
        self.tracks.add(record.track)
        end_us = record.arrived_at_us + record.samples * 1_000_000 // self.head.rate_hz
        self.heard_until_us = max(self.heard_until_us, end_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanAdopter:
    """Joins orphaned streams to their calls."""

    control: CallController
    media: MediaStore

    def adopt(self, worker: str) -> int:
        """Join and end the unknown streams in a dead worker's journal; return their number.

        It may run again. Raises Unavailable, and NewerForm for a journal of which only newer
        code can read all: then the journal has to stay.
        """
        return sum(self._bring_home(one, worker) for one in self._found(worker))

    def _found(self, worker: str) -> list[_Found]:
        """Return the streams of a journal that can join; heads of older code name no profile."""
        streams: dict[str, _Found] = {}
        for number, index in self._indexes(worker):
            for head in index.heads:
                if head.profile:
                    found = streams.setdefault(
                        head.stream_key, _Found(head=head, journal_from=number)
                    )
                    _note_all(found, index.entries)
        return [one for one in streams.values() if one.tracks]

    def _indexes(self, worker: str) -> Iterator[tuple[int, StoredIndex]]:
        keys = list(islice(self.media.keys(naming.journal_prefix(worker)), LARGEST_DELETION))
        with ThreadPoolExecutor(_READERS) as pool:
            for key, index in zip(keys, pool.map(self._read, keys), strict=True):
                if index is not None:
                    verify_known(index, key)
                    yield naming.journal_number(key), index

    def _read(self, key: str) -> StoredIndex | None:
        try:
            return read_index(key, self.media)
        except NotFound:
            return None  # another sweep deleted it: it was no longer needed

    def _bring_home(self, found: _Found, worker: str) -> bool:
        account, carrier, call_id = naming.call_parts(found.head.call_key)
        ref = CallRef(account=account, carrier=carrier, call_id=call_id)
        if self._row(ref, found.head) is not None:
            return False
        try:
            self.control.join_call(_joining(found, ref, worker))
        except CallerError:
            return False  # its profile is gone or changed: the call would have been refused
        stream = self._row(ref, found.head)
        if stream is not None:
            self.control.lose_stream(stream, instant(found.heard_until_us))
        return stream is not None

    def _row(self, ref: CallRef, head: StreamHead) -> Stream | None:
        streams = self.control.calls.streams(ref.key)
        return next((one for one in streams if one.stream_key == head.stream_key), None)


def _note_all(found: _Found, entries: Iterable[StoredRecord]) -> None:
    for entry in entries:
        if entry.record.stream_key == found.head.stream_key:
            found.note(entry)


def _joining(found: _Found, ref: CallRef, worker: str) -> JoinRequest:
    head = found.head
    return JoinRequest(
        call=ref,
        profile=head.profile,
        stream_key=head.stream_key,
        carrier_stream_id=head.carrier_stream_id,
        worker=worker,
        dialect=head.dialect,
        tracks=tuple(sorted(found.tracks)),
        encoding=head.encoding,
        rate_hz=head.rate_hz,
        labels={},
        opened_at=instant(head.opened_at_us),
        journal_from=found.journal_from,
        is_captured=True,
    )
