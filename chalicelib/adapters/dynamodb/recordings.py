"""Recordings, what happened to them, and the callbacks they owe: rows of the Core table.

A recording's first events lie in its own row, as `told`: a row of its own for each move
would cost as much as the move, and the transaction of both would double it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from datetime import datetime

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb import listing as paging
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, sortable, to_row
from chalicelib.adapters.dynamodb.table import NEW, Part, Table, Where
from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.ports.values import Page, RecordingFilter
from chalicelib.recording.erasure import is_deleted
from chalicelib.recording.model import Recording
from chalicelib.recording.outbox import OutboxRow, RecordingEvent

_FILTER_DEPTH = 10
"""rows read for a row that a page may hold, where a filter leaves some out"""

_TOLD = "told"
_TOLD_VERSIONS = 8
"""the row holds this many moves: a usual recording has four, one with pauses may have hundreds"""
_TOLD_LENGTH = 200
"""characters of a detail"""
_CHANGING = frozenset(field.name for field in fields(Recording)) | {"duepk", "duesk"}
"""attributes that a move may set or remove"""


class DynamoRecordings:
    """Implements the port Recordings. A listing without an end calls `now`."""

    def __init__(self, table: Table, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def get(self, recording_id: str) -> Recording:
        """Read one, consistently. Raises NotFound."""
        row = self._table.get(layout.recording_pk(recording_id), layout.RECORD)
        if row is None:
            raise NotFound(f"recording {recording_id}", code="no_such_recording")
        return from_row(row, Recording)

    def of_call(self, call_key: str) -> list[Recording]:
        """Read a call's, consistently, oldest first."""
        pk, first = layout.call_pk(call_key), layout.REC_PREFIX
        found = [row["recording_id"] for row in self._table.query(pk, first, first + layout.END)]
        return self._all(found)

    def create(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a new one, unless another writer made the same one first: return what is stored."""
        created = replace(recording, version=1)
        try:
            self._table.write(new_recording(self._table, created, event, outbox))
        except PreconditionFailed:
            return self.get(recording.recording_id)
        return created

    def write(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a move. It races with every other writer of the recording: one of them wins."""
        written = replace(recording, version=recording.version + 1)
        try:
            self._write(written, event, outbox)
        except PreconditionFailed:
            if self.get(recording.recording_id) != written:
                raise
        return written

    def listing(
        self, account: str, wanted: RecordingFilter, limit: int, cursor: str
    ) -> Page[Recording]:
        """Read an account's, newest first. Raises InvalidRequest for a cursor it didn't give."""
        covered = paging.stretch(wanted.since, wanted.until, cursor, self._now)
        depth = limit * (_FILTER_DEPTH if wanted.state or wanted.label else 1)
        places = list(self._places(account, wanted.call_id, covered, depth))
        rows = self._all(place.partition("#")[2] for place in places)
        return _page(rows, places, wanted, limit, is_last=len(places) < depth)

    def _write(self, written: Recording, event: RecordingEvent, outbox: OutboxRow | None) -> None:
        where = layout.recording_pk(written.recording_id), layout.RECORD
        unchanged = Where(text="#version = :read", values={"read": written.version - 1})
        if not _stands_in_row(written.version, event):
            change = _change(_row(written), [])
            parts = told(self._table, written.version, event, outbox)
            self._table.write([self._table.updating(*where, change, unchanged), *parts])
            return
        change = _change(_row(written), [_told(written.version, event)])
        if outbox is None:
            self._table.update(*where, change, unchanged)
            return
        owed = self._table.putting(outbox_row(outbox), NEW)
        self._table.write([self._table.updating(*where, change, unchanged), owed])

    def _places(
        self, account: str, call_id: str, covered: paging.Stretch, limit: int
    ) -> Iterator[str]:
        if call_id:
            partition = f"REC#{account}#{call_id}"
            found = paging.by_call(self._table, partition, covered, limit)
            return (keys["gsi1sk"] for keys in found)
        found = paging.by_month(self._table, f"REC#{account}", covered, limit)
        return (keys["gsi2sk"] for keys in found)

    def _all(self, recording_ids: Iterable[str]) -> list[Recording]:
        keys = [(layout.recording_pk(one), layout.RECORD) for one in recording_ids]
        found = self._table.get_all(keys)
        return [from_row(found[key], Recording) for key in keys if key in found]


class DynamoHistory:
    """Implements the port RecordingHistory."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def events(self, recording_id: str) -> list[RecordingEvent]:
        """Read them in order."""
        pk, first = layout.recording_pk(recording_id), layout.EVENT_PREFIX
        found: dict[str, RecordingEvent] = {}
        for row in self._table.query(pk, first, layout.RECORD):
            if row["sk"] == layout.RECORD:
                found |= _told_events(recording_id, row.get(_TOLD, ()))
            elif row["sk"].startswith(first):
                found[row["sk"].removeprefix(first)] = from_row(row, RecordingEvent)
        return [found[place] for place in sorted(found)]

    def append(self, event: RecordingEvent) -> None:
        """Add one. It races with its own repetition alone, which changes nothing."""
        try:
            self._table.put(_event_row(event, event.event), NEW)
        except PreconditionFailed:
            return


def new_recording(
    table: Table, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
) -> list[Part]:
    """Return the parts that write a recording; the first one fails where it exists."""
    indexed = {
        "pk": layout.call_pk(recording.call.key),
        "sk": layout.REC_PREFIX + layout.dated(recording.created_at, recording.recording_id),
        "recording_id": recording.recording_id,
    }
    row = _row(recording) | {_TOLD: [_told(recording.version, event)]}
    parts = [table.putting(row, NEW), table.putting(indexed, NEW)]
    return parts if outbox is None else [*parts, table.putting(outbox_row(outbox), NEW)]


def outbox_row(row: OutboxRow) -> Row:
    """Return a callback's row."""
    pk, sk = layout.recording_pk(row.recording_id), layout.outbox_sk(row.number)
    counts = {"attempts": row.attempts, "round": row.round}  # conditions compare them: always there
    return {"pk": pk, "sk": sk} | to_row(row) | counts | layout.outbox_index(row)


def told(
    table: Table, version: int, event: RecordingEvent, outbox: OutboxRow | None
) -> Iterator[Part]:
    """Yield the parts that tell of a move: what happened, and the callback it owes."""
    yield table.putting(_event_row(event, f"{version:06d}"), NEW)
    if outbox is not None:
        yield table.putting(outbox_row(outbox), NEW)


def _row(recording: Recording) -> Row:
    keys = {"pk": layout.recording_pk(recording.recording_id), "sk": layout.RECORD}
    return keys | to_row(recording) | layout.recording_index(recording)


def _change(row: Row, events: list[Row]) -> Where:
    """Return what makes a stored row this one, and adds events to what it tells."""
    values = {name: value for name, value in row.items() if name in _CHANGING}
    sets = [f"#{name} = :{name}" for name in values]
    if events:
        sets.append(f"#{_TOLD} = list_append(if_not_exists(#{_TOLD}, :none), :{_TOLD})")
        values |= {_TOLD: events, "none": []}
    gone = ", ".join(f"#{name}" for name in sorted(_CHANGING - row.keys()))
    return Where(text=f"SET {', '.join(sets)} REMOVE {gone}", values=values)


def _stands_in_row(version: int, event: RecordingEvent) -> bool:
    return version <= _TOLD_VERSIONS and len(str(event.detail)) <= _TOLD_LENGTH


def _told(version: int, event: RecordingEvent) -> Row:
    row = to_row(event) | {"version": version}
    del row["recording_id"]
    return row


def _told_events(recording_id: str, rows: Iterable[Row]) -> dict[str, RecordingEvent]:
    """Return what a recording's row tells, by its place among what rows of their own tell."""
    return {
        f"{row['at']}#{row['version']:06d}": from_row(
            row | {"recording_id": recording_id}, RecordingEvent
        )
        for row in rows
    }


def _event_row(event: RecordingEvent, suffix: str) -> Row:
    sk = f"{layout.EVENT_PREFIX}{sortable(event.at)}#{suffix}"
    return {"pk": layout.recording_pk(event.recording_id), "sk": sk} | to_row(event)


def _page(
    rows: list[Recording],
    places: list[str],
    wanted: RecordingFilter,
    limit: int,
    *,
    is_last: bool,
) -> Page[Recording]:
    """Return the wanted ones of the rows that were read, at most `limit`, and where to go on."""
    matching = [row for row in rows if _matches(row, wanted)]
    if len(matching) > limit:
        last = matching[limit - 1]
        place = layout.dated(last.created_at, last.recording_id)
        return Page(rows=tuple(matching[:limit]), cursor=paging.write_cursor(place))
    cursor = "" if is_last else paging.write_cursor(places[-1])
    return Page(rows=tuple(matching), cursor=cursor)


def _matches(row: Recording, wanted: RecordingFilter) -> bool:
    if is_deleted(row):
        return False
    if wanted.state and row.state != wanted.state:
        return False
    return wanted.label is None or row.labels.get(wanted.label[0]) == wanted.label[1]
