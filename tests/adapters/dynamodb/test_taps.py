"""What Taps promises, in memory and as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.recording import keys
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.tapping.model import Tap, TapQuality, TapState
from tests.samples import CALL, STATUS_URL, a_call, a_stream, a_tap, later
from tests.samples import a_callback as a_recordings_callback
from tests.samples import a_recording as whatever_recording


def an_event(tap: Tap, **changes: Any) -> RecordingEvent:
    event = RecordingEvent(recording_id=tap.tap_id, at=tap.created_at, event=str(tap.state))
    return replace(event, **changes)


def a_callback(tap: Tap, number: int = 1) -> Any:
    owed = a_recordings_callback(whatever_recording(), number)
    return replace(
        owed,
        recording_id=tap.tap_id,
        webhook_id=keys.webhook_id(tap.tap_id, number),
        state=str(tap.state),
        url=STATUS_URL,
    )


class TestTaps:
    """The port Taps."""

    def test_reads_what_was_created(self, core: Any) -> None:
        """A tap comes back field for field, alone and with its call's."""

        tap = a_tap(quality=TapQuality(messages_sent=3, messages_dropped=1), ended_at=later(3))
        core.taps.create(tap, an_event(tap), None)
        assert tap == core.taps.get(CALL.key, tap.tap_id)
        assert [tap] == core.taps.of_call(CALL.key)

    def test_knows_none_that_was_not_created(self, core: Any) -> None:
        """An unknown tap is NotFound, and a call without taps has none."""

        with pytest.raises(NotFound, match="tap nobody"):
            core.taps.get(CALL.key, "nobody")
        assert [] == core.taps.of_call(CALL.key)

    def test_reads_a_calls_oldest_first(self, core: Any) -> None:
        """Their ids say nothing about their age."""

        for second, tap_id in ((2, "a"), (1, "b"), (3, "c")):
            tap = a_tap(tap_id=tap_id, created_at=later(second))
            core.taps.create(tap, an_event(tap), None)
        assert ["b", "a", "c"] == [tap.tap_id for tap in core.taps.of_call(CALL.key)]

    def test_creates_once(self, core: Any) -> None:
        """A second creation under the id changes nothing and returns the first."""

        tap = a_tap()
        core.taps.create(tap, an_event(tap), a_callback(tap))
        other = replace(tap, source_port=7)
        event = an_event(other, at=later(1))
        assert tap == core.taps.create(other, event, a_callback(other))
        assert 1 == len(core.history.events(tap.tap_id))

    def test_writes_move_event_and_callback_together(self, core: Any) -> None:
        """Callbacks and history of a tap lie where delivery looks for a recording's."""

        tap = a_tap()
        core.taps.create(tap, an_event(tap), a_callback(tap))
        ended = replace(tap, state=TapState.FINISHED, reason="stop")
        written = core.taps.write(ended, an_event(ended, at=later(1)), a_callback(ended, 2))
        assert replace(ended, version=2) == written == core.taps.get(CALL.key, tap.tap_id)
        assert ["tapping", "finished"] == [e.event for e in core.history.events(tap.tap_id)]
        assert ["tapping", "finished"] == [row.state for row in core.outbox.rows(tap.tap_id)]
        assert [1, 2] == [due.number for due in core.due_work.due(later(600), 10)]

    def test_refuses_a_stale_version(self, core: Any) -> None:
        """Of two writers who read the same version the second one fails."""

        tap = a_tap()
        core.taps.create(tap, an_event(tap), None)
        stopped, closed = replace(tap, reason="stop"), replace(tap, reason="call_closed")
        core.taps.write(stopped, an_event(tap, at=later(1)), None)
        with pytest.raises(PreconditionFailed):
            core.taps.write(closed, an_event(tap, at=later(2)), None)
        assert "stop" == core.taps.get(CALL.key, tap.tap_id).reason

    def test_takes_its_own_repetition_as_done(self, core: Any) -> None:
        """A write whose answer was lost succeeds when it is repeated, once."""

        tap = a_tap()
        core.taps.create(tap, an_event(tap), None)
        ended = replace(tap, state=TapState.FINISHED)
        written = core.taps.write(ended, an_event(ended, at=later(1)), None)
        assert written == core.taps.write(ended, an_event(ended, at=later(1)), None)

    def test_lies_beside_its_call_and_its_streams(self, core: Any) -> None:
        """None of them is taken for another."""

        core.call_life.join(a_call(), a_stream())
        tap = a_tap()
        core.taps.create(tap, an_event(tap), None)
        assert [a_stream()] == core.calls.streams(CALL.key)
        assert [] == core.recordings.of_call(CALL.key)
