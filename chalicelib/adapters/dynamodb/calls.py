"""Calls with the streams under them, rows of the Core table, and whose worker holds which, in Hot.

The sink writes calls and streams, webhooks write reports beside them: every read joins both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb import listing as paging
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, sortable, to_row
from chalicelib.adapters.dynamodb.table import NEW, Table, Where
from chalicelib.errors import NewerForm, NotFound, PreconditionFailed
from chalicelib.ports.values import Page
from chalicelib.recording.carrier_reports import CarrierReport, corrected_call, corrected_stream
from chalicelib.recording.model import Call, Stream

T = TypeVar("T")

_HELD_FOR = timedelta(days=8)
"""a net below what is held and never joined; the sweeper waits six days for a dead one's media"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """The result of one read of a call's partition."""

    call: Call | None
    streams: tuple[Stream, ...]
    reports: tuple[CarrierReport, ...]


class DynamoCalls:
    """Implements the port Calls. A listing calls `now` for its begin."""

    def __init__(self, table: Table, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    def get(self, call_key: str) -> Call:
        """Read one, consistently. Raises NotFound."""
        stored = self._read(call_key)
        if stored.call is None:
            raise NotFound(f"call {call_key}", code="no_such_call")
        return corrected_call(stored.call, stored.reports)

    def streams(self, call_key: str) -> list[Stream]:
        """Read its streams of all rounds, consistently, oldest first."""
        stored = self._read(call_key)
        found = [corrected_stream(stream, stored.reports) for stream in stored.streams]
        return sorted(found, key=lambda stream: (stream.opened_at, stream.stream_key))

    def listing(self, account: str, limit: int, cursor: str) -> Page[Call]:
        """Read an account's, newest first. Raises InvalidRequest for a cursor it didn't give."""
        covered = paging.stretch(None, None, cursor, self._now)
        keys = list(paging.by_month(self._table, f"CALL#{account}", covered, limit))
        rows = tuple(self._corrected(keys))
        full = len(keys) == limit
        return Page(rows=rows, cursor=paging.write_cursor(keys[-1]["gsi2sk"]) if full else "")

    def named(self, account: str, call_id: str) -> list[Call]:
        """Read an account's calls of that carrier's id: one, unless two carriers gave the same."""
        where = Where(text="#gsi1pk = :pk", values={"pk": f"CALL#{account}#{call_id}"})
        return self._corrected(list(self._table.query_index("by_call", where, limit=10)))

    def ensure(self, call: Call) -> Call:
        """Write a call that doesn't exist. It races with its first stream, which may be first."""
        try:
            self._table.put(call_row(call), NEW)
        except PreconditionFailed:
            return self.get(call.ref.key)
        return call

    def _corrected(self, keys: list[Row]) -> list[Call]:
        return [self.get(row["pk"].partition("#")[2]) for row in keys]

    def _read(self, call_key: str) -> _Stored:
        last = layout.SAID_PREFIX + layout.END
        rows = list(self._table.query(layout.call_pk(call_key), layout.CALL, last))
        calls = [from_row(row, Call) for row in rows if row["sk"] == layout.CALL]
        return _Stored(
            call=calls[0] if calls else None,
            streams=tuple(_values(rows, layout.STREAM_PREFIX, Stream)),
            reports=tuple(_values(rows, layout.SAID_PREFIX, CarrierReport)),
        )


class DynamoCallLife:
    """Implements the port CallLife."""

    def __init__(self, core: Table, hot: Table) -> None:
        self._core = core
        self._hot = hot

    def join(self, call: Call, stream: Stream) -> None:
        """Write a stream and its call. It races with another stream, with the call's closing, and
        with its own repetition."""
        # Held first, and not in the transaction, where it would cost twice: what is held and never
        # joined is passed over, and what is joined is found whenever its worker dies.
        self._hot.put(_held_row(stream))
        self._core.write(
            [
                self._core.putting(call_row(call), _joinable(call)),
                self._core.putting(_stream_row(stream), NEW),
            ]
        )

    def end_stream(self, stream: Stream) -> None:
        """Write a stream's end. It races with the sweeper, which took its worker for dead."""
        living = Where(text="attribute_exists(#pk) AND attribute_not_exists(#ended_at)")
        self._core.put(_stream_row(stream), living)

    def close(self, call: Call) -> None:
        """Write a closed call. It races with a joining stream, and with another writer."""
        # What webhooks correct stays theirs: with it the row would be larger than a kilobyte.
        assert call.closed_at is not None
        pk = layout.call_pk(call.ref.key)
        due = _due_change(call.due_at, pk)
        sets = "SET #open = :closed, #closed_at = :closed_at"
        text = f"{sets}{', ' if due.values else ' '}{due.text.removeprefix('SET ')}"
        values = {**due.values, "closed": False, "closed_at": sortable(call.closed_at)}
        before = Where(
            text="#open = :open AND #round = :round AND #generation = :generation",
            values=_standing(call) | {"open": True},
        )
        self._core.update(pk, layout.CALL, Where(text=text, values=values), before)

    def postpone(self, call: Call) -> None:
        """Write when a call is due. It races with everything that changes the call."""
        text = "#open = :open AND #round = :round AND #generation = :generation"
        pk = layout.call_pk(call.ref.key)
        same = Where(text=text, values=_standing(call) | {"open": call.open})
        self._core.update(pk, layout.CALL, _due_change(call.due_at, pk), same)


class DynamoLiveStreams:
    """Implements the port LiveStreams."""

    def __init__(self, calls: DynamoCalls, hot: Table) -> None:
        self._calls = calls
        self._hot = hot

    def of_worker(self, worker: str) -> list[Stream]:
        """Read a worker's streams from their calls, consistently; those of a call that only newer
        code can read are left out."""
        held = self._held(worker)
        keys = {row["stream_key"] for row in held}
        found = [self._streams(key) or () for key in sorted({row["call_key"] for row in held})]
        return [one for streams in found for one in streams if one.stream_key in keys]

    def unreadable(self, worker: str) -> list[str]:
        """Read the keys of a worker's calls of which only newer code can read all rows."""
        calls = sorted({row["call_key"] for row in self._held(worker)})
        return [key for key in calls if self._streams(key) is None]

    def _held(self, worker: str) -> list[Row]:
        first = layout.STREAM_PREFIX
        return list(self._hot.query(layout.worker_pk(worker), first, first + layout.END))

    def _streams(self, call_key: str) -> list[Stream] | None:
        try:
            return self._calls.streams(call_key)
        except NewerForm:
            return None

    def forget(self, stream: Stream) -> None:
        """Say that nothing of the stream waits for its worker's journal. It races with nobody."""
        self._hot.delete(*_held_key(stream))


def call_row(call: Call) -> Row:
    """Return a call's row."""
    keys = {"pk": layout.call_pk(call.ref.key), "sk": layout.CALL}
    return keys | to_row(call) | layout.call_index(call)


def _stream_row(stream: Stream) -> Row:
    keys = {
        "pk": layout.call_pk(stream.call.key),
        "sk": layout.STREAM_PREFIX + stream.stream_key,
    }
    return keys | to_row(stream)


def _held_row(stream: Stream) -> Row:
    pk, sk = _held_key(stream)
    expiry = int((stream.opened_at + _HELD_FOR).timestamp())
    named = {"call_key": stream.call.key, "stream_key": stream.stream_key}
    return {"pk": pk, "sk": sk} | named | {"expires_at": expiry}


def _held_key(stream: Stream) -> tuple[str, str]:
    return layout.worker_pk(stream.worker), layout.STREAM_PREFIX + stream.stream_key


def _joinable(call: Call) -> Where:
    """Return the condition under which a stream may leave its call as `call`."""
    older = {"generation": call.generation - 1, "round": call.round}
    open_or_closed = "(#open = :true AND #round = :round) OR (#open = :false AND #round < :round)"
    stored = f"#generation = :generation AND ({open_or_closed})"
    absent = "attribute_not_exists(#pk) OR " if call.generation == 1 else ""
    return Where(text=f"{absent}({stored})", values=older | {"true": True, "false": False})


def _standing(call: Call) -> dict[str, int]:
    return {"round": call.round, "generation": call.generation}


def _due_change(due_at: datetime | None, pk: str) -> Where:
    keys = layout.due_index(due_at, pk, layout.CALL)
    if due_at is None:
        return Where(text="REMOVE #due_at, #duepk, #duesk")
    return Where(
        text="SET #due_at = :due_at, #duepk = :duepk, #duesk = :duesk",
        values=keys | {"due_at": sortable(due_at)},
    )


def _values(rows: list[Row], prefix: str, kind: type[T]) -> list[T]:
    return [from_row(row, kind) for row in rows if row["sk"].startswith(prefix)]
