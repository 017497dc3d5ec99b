"""A fake of Taps."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.tapping.model import Tap
from tests.fake_store import Store


class FakeTaps:
    """The port Taps, in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, call_key: str, tap_id: str) -> Tap:
        """Read one. Raises NotFound."""
        if (call_key, tap_id) not in self._store.taps:
            raise NotFound(f"tap {tap_id}", code="no_such_tap")
        return self._store.taps[call_key, tap_id]

    def of_call(self, call_key: str) -> list[Tap]:
        """Read a call's, oldest first."""
        found = [tap for key, tap in self._store.taps.items() if key[0] == call_key]
        return sorted(found, key=lambda tap: (tap.created_at, tap.tap_id))

    def create(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        """Write a new one, or return the one that exists."""
        stored = self._store.taps.get((tap.call.key, tap.tap_id))
        return stored or self._put(replace(tap, version=1), event, outbox)

    def write(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        """Write a change. Raises PreconditionFailed."""
        stored = self.get(tap.call.key, tap.tap_id)
        written = replace(tap, version=tap.version + 1)
        if stored == written:
            return stored
        if stored.version != tap.version:
            raise PreconditionFailed(f"version is {stored.version}, not {tap.version}")
        return self._put(written, event, outbox)

    def _put(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        if outbox is not None:
            self._store.outbox[outbox.recording_id, outbox.number] = outbox
        self._store.events[tap.tap_id, event.at, f"{tap.version:06d}"] = event
        self._store.taps[tap.call.key, tap.tap_id] = tap
        return tap
