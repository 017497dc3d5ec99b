"""Fakes of Recordings, RecordingHistory, Outbox, Receivers and DueWork."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.ports.values import Due, DueKind, Page, RecordingFilter
from chalicelib.recording.endpoint_health import EndpointHealth, is_stopped
from chalicelib.recording.erasure import is_deleted
from chalicelib.recording.model import Recording
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from tests.fake_store import Store, page

_CALLBACK_GRACE = timedelta(seconds=60)


class FakeRecordings:
    """The port Recordings, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, recording_id: str) -> Recording:
        """Read one. Raises NotFound."""
        if recording_id not in self._store.recordings:
            raise NotFound(f"recording {recording_id}", code="no_such_recording")
        return self._store.recordings[recording_id]

    def of_call(self, call_key: str) -> list[Recording]:
        """Read a call's, oldest first."""
        found = [row for row in self._store.recordings.values() if row.call.key == call_key]
        return sorted(found, key=lambda row: (row.created_at, row.recording_id))

    def create(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a new one, or return the one that exists."""
        stored = self._store.recordings.get(recording.recording_id)
        if stored is not None:
            return stored
        return self._put(replace(recording, version=1), event, outbox)

    def write(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a move. Raises PreconditionFailed."""
        stored = self.get(recording.recording_id)
        written = replace(recording, version=recording.version + 1)
        if stored == written:
            return stored
        if stored.version != recording.version:
            raise PreconditionFailed(f"version is {stored.version}, not {recording.version}")
        return self._put(written, event, outbox)

    def listing(
        self, account: str, wanted: RecordingFilter, limit: int, cursor: str
    ) -> Page[Recording]:
        """Read an account's, newest first."""
        rows = [
            (row.created_at, row.recording_id, row)
            for row in self._store.recordings.values()
            if row.call.account == account and _matches(row, wanted)
        ]
        return page(rows, limit, cursor)

    def _put(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        if outbox is not None:
            if (outbox.recording_id, outbox.number) in self._store.outbox:
                raise PreconditionFailed(f"callback {outbox.number} exists")
            self._store.outbox[outbox.recording_id, outbox.number] = outbox
        key = (recording.recording_id, event.at, f"{recording.version:06d}")
        self._store.events[key] = event
        self._store.recordings[recording.recording_id] = recording
        return recording


class FakeHistory:
    """The port RecordingHistory, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def events(self, recording_id: str) -> list[RecordingEvent]:
        """Read them in order."""
        keys = sorted(key for key in self._store.events if key[0] == recording_id)
        return [self._store.events[key] for key in keys]

    def append(self, event: RecordingEvent) -> None:
        """Add one."""
        self._store.events.setdefault((event.recording_id, event.at, event.event), event)


class FakeOutbox:
    """The port Outbox, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self, recording_id: str) -> list[OutboxRow]:
        """Read a recording's, in their order."""
        return [
            self._store.outbox[key] for key in sorted(self._store.outbox) if key[0] == recording_id
        ]

    def get(self, recording_id: str, webhook_id: str) -> OutboxRow:
        """Read one. Raises NotFound."""
        for row in self.rows(recording_id):
            if row.webhook_id == webhook_id:
                return row
        raise NotFound(f"callback {webhook_id}", code="no_such_callback")

    def record_attempt(self, row: OutboxRow) -> None:
        """Write what an attempt changed. Raises PreconditionFailed."""
        stored = self._stored(row)
        if _is_done(stored) or (stored.attempts, stored.round) != (row.attempts - 1, row.round):
            raise PreconditionFailed(f"callback {row.webhook_id} moved on")
        self._store.outbox[row.recording_id, row.number] = row

    def begin_round(self, row: OutboxRow) -> OutboxRow:
        """Write a round's first row. Raises PreconditionFailed."""
        if self._stored(row).round != row.round:
            raise PreconditionFailed(f"callback {row.webhook_id} is in another round")
        begun = replace(row, round=row.round + 1, delivered_at=None, given_up="")
        self._store.outbox[row.recording_id, row.number] = begun
        return begun

    def _stored(self, row: OutboxRow) -> OutboxRow:
        stored = self._store.outbox.get((row.recording_id, row.number))
        if stored is None:
            raise PreconditionFailed(f"no callback {row.webhook_id}")
        return stored


class FakeReceivers:
    """The port Receivers, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, account: str, url: str) -> EndpointHealth | None:
        """Read one."""
        return self._store.receivers.get((account, url))

    def put(self, receiver: EndpointHealth) -> None:
        """Write how it stands. Raises PreconditionFailed."""
        if is_stopped(self.get(receiver.account, receiver.url), receiver.failed_at):
            raise PreconditionFailed("the receiver is stopped")
        self._store.receivers[receiver.account, receiver.url] = receiver

    def forget(self, account: str, url: str) -> None:
        """Remove its row."""
        self._store.receivers.pop((account, url), None)


class FakeDueWork:
    """The port DueWork, in memory: an index that never lags."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, until: datetime, limit: int) -> list[Due]:
        """Read what is due, longest first."""
        found = sorted(self._all(), key=lambda due: (due.due_at, due.key, due.number))
        return [due for due in found if due.due_at <= until][:limit]

    def _all(self) -> Iterator[Due]:
        for recording in self._store.recordings.values():
            if recording.due_at:
                yield _due(DueKind.RECORDING, recording.recording_id, recording.due_at)
        for call in self._store.calls.values():
            if call.due_at:
                yield _due(DueKind.CALL, call.ref.key, call.due_at)
        for row in self._store.outbox.values():
            if not _is_done(row):
                at = (row.next_at or row.created_at) + _CALLBACK_GRACE
                yield _due(DueKind.CALLBACK, row.recording_id, at, row.number)


def _due(kind: DueKind, key: str, at: datetime, number: int = 0) -> Due:
    return Due(kind=kind, key=key, number=number, due_at=at)


def _is_done(row: OutboxRow) -> bool:
    return row.delivered_at is not None or bool(row.given_up)


def _matches(row: Recording, wanted: RecordingFilter) -> bool:
    label = wanted.label
    return all(
        (
            not is_deleted(row),
            not wanted.call_id or row.call.call_id == wanted.call_id,
            not wanted.state or row.state == wanted.state,
            label is None or row.labels.get(label[0]) == label[1],
            wanted.since is None or row.created_at >= wanted.since,
            wanted.until is None or row.created_at < wanted.until,
        )
    )
