"""Fakes of Calls, CallLife, LiveStreams and Inbox."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.ports.values import InboundEvent, NewRecording, Page
from chalicelib.recording import keys as naming
from chalicelib.recording.carrier_reports import CarrierReport, corrected_call, corrected_stream
from chalicelib.recording.model import Call, Stream
from tests.fake_store import Store, page


class FakeCalls:
    """The port Calls, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, call_key: str) -> Call:
        """Read one. Raises NotFound."""
        if call_key not in self._store.calls:
            raise NotFound(f"call {call_key}", code="no_such_call")
        return corrected_call(self._store.calls[call_key], self._said(call_key))

    def streams(self, call_key: str) -> list[Stream]:
        """Read its streams of all rounds, oldest first."""
        said = self._said(call_key)
        found = [row for key, row in self._store.streams.items() if key[0] == call_key]
        corrected = [corrected_stream(row, said) for row in found]
        return sorted(corrected, key=lambda row: (row.opened_at, row.stream_key))

    def listing(self, account: str, limit: int, cursor: str) -> Page[Call]:
        """Read an account's, newest first."""
        rows = [
            (row.opened_at, key, self.get(key))
            for key, row in self._store.calls.items()
            if row.ref.account == account
        ]
        return page(rows, limit, cursor)

    def named(self, account: str, call_id: str) -> list[Call]:
        """Read an account's calls of that carrier's id."""
        refs = [row.ref for row in self._store.calls.values()]
        return [self.get(r.key) for r in refs if (r.account, r.call_id) == (account, call_id)]

    def ensure(self, call: Call) -> Call:
        """Write a call that doesn't exist; return the stored one."""
        self._store.calls.setdefault(call.ref.key, call)
        return self.get(call.ref.key)

    def _said(self, call_key: str) -> list[CarrierReport]:
        return [row for key, row in self._store.announcements.items() if key[0] == call_key]


class FakeCallLife:
    """The port CallLife, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def join(self, call: Call, stream: Stream) -> None:
        """Write a stream and its call. Raises PreconditionFailed."""
        key = (stream.call.key, stream.stream_key)
        if key in self._store.streams or not _joinable(self._store.calls.get(key[0]), call):
            raise PreconditionFailed(f"call {key[0]} changed, or has the stream")
        self._store.streams[key] = stream
        self._store.calls[key[0]] = call
        self._store.held[stream.worker, stream.stream_key] = key[0]

    def end_stream(self, stream: Stream) -> None:
        """Write a stream's end. Raises PreconditionFailed."""
        key = (stream.call.key, stream.stream_key)
        stored = self._store.streams.get(key)
        if stored is None or stored.ended_at is not None:
            raise PreconditionFailed(f"stream {stream.stream_key} isn't live")
        self._store.streams[key] = stream

    def close(self, call: Call) -> None:
        """Write a closed call. Raises PreconditionFailed."""
        stored = self._store.calls.get(call.ref.key)
        if stored is None or not stored.open or _standing(stored) != _standing(call):
            raise PreconditionFailed(f"call {call.ref.key} changed")
        self._store.calls[call.ref.key] = call

    def postpone(self, call: Call) -> None:
        """Write when a call is due. Raises PreconditionFailed."""
        stored = self._store.calls.get(call.ref.key)
        if stored is None or stored.open != call.open or _standing(stored) != _standing(call):
            raise PreconditionFailed(f"call {call.ref.key} changed")
        self._store.calls[call.ref.key] = replace(stored, due_at=call.due_at)


class FakeLiveStreams:
    """The port LiveStreams, in memory."""

    def __init__(self, store: Store, calls: FakeCalls) -> None:
        self._store = store
        self._calls = calls

    def of_worker(self, worker: str) -> list[Stream]:
        """Read a worker's streams."""
        held = {key[1]: call for key, call in self._store.held.items() if key[0] == worker}
        rows = [row for call in sorted(set(held.values())) for row in self._calls.streams(call)]
        return [row for row in rows if row.stream_key in held]

    def unreadable(self, worker: str) -> list[str]:
        """Return nothing: values in memory are all known."""
        return []

    def forget(self, stream: Stream) -> None:
        """Take a stream from its worker."""
        self._store.held.pop((stream.worker, stream.stream_key), None)


class FakeInbox:
    """The port Inbox, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def carrier_reports(self, call_key: str) -> list[CarrierReport]:
        """Read a call's."""
        keys = sorted(key for key in self._store.announcements if key[0] == call_key)
        return [self._store.announcements[key] for key in keys]

    def accept(
        self,
        event: InboundEvent,
        call: Call | None,
        announcement: CarrierReport | None,
        requested: NewRecording | None,
    ) -> bool:
        """Write an event with what it says. Raises PreconditionFailed."""
        if (event.account, event.event_key) in self._store.inbound:
            return False
        if announcement is not None:
            self._say(announcement)
        self._store.inbound[event.account, event.event_key] = event
        if call is not None:
            self._store.calls.setdefault(call.ref.key, call)
        if requested is not None:
            self._request(requested)
        return True

    def events(self, call_key: str) -> list[InboundEvent]:
        """Read what carriers said of a call."""
        found = [row for row in self._store.inbound.values() if _call_key(row) == call_key]
        return sorted(found, key=lambda row: (row.occurred_at or row.received_at, row.event_key))

    def _say(self, said: CarrierReport) -> None:
        key = (said.call.key, said.carrier_stream_id)
        stored = self._store.announcements.get(key)
        if (stored.version if stored else 0) != said.version:
            raise PreconditionFailed(f"announcement {said.carrier_stream_id} changed")
        self._store.announcements[key] = replace(said, version=said.version + 1)

    def _request(self, requested: NewRecording) -> None:
        recording = replace(requested.recording, version=1)
        if recording.recording_id not in self._store.recordings:
            self._store.recordings[recording.recording_id] = recording
            key = (recording.recording_id, requested.event.at, f"{recording.version:06d}")
            self._store.events[key] = requested.event


def _joinable(stored: Call | None, call: Call) -> bool:
    if stored is None:
        return call.generation == 1
    fits = stored.round == call.round if stored.open else stored.round < call.round
    return fits and stored.generation == call.generation - 1


def _standing(call: Call) -> tuple[int, int]:
    return call.round, call.generation


def _call_key(event: InboundEvent) -> str:
    return naming.call_key(event.account, event.carrier, event.call_id) if event.call_id else ""
