"""What Recordings, RecordingHistory, Outbox and DueWork promise, in memory and as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.capture.events import Track
from chalicelib.errors import InvalidRequest, NotFound, PreconditionFailed
from chalicelib.ports.values import Due, DueKind, RecordingFilter
from chalicelib.recording.model import (
    CallRef,
    Direction,
    Erasure,
    Format,
    Gap,
    Interval,
    Quality,
    RecordOptions,
    Rendition,
    State,
)
from tests.samples import CALL, STATUS_URL, T0, a_callback, a_recording, an_event, later

ALL = RecordingFilter()


def stored(core: Any, **changes: Any) -> Any:
    """Create a recording with its event."""
    recording = a_recording(**changes)
    return core.recordings.create(recording, an_event(recording), None)


class TestRecordings:
    """The port Recordings."""

    def test_reads_what_was_created(self, core: Any) -> None:
        """A recording comes back field for field."""

        recording = a_recording(
            options=RecordOptions(
                stereo=True, format=Format.MP3, direction=Direction.SPEAK, max_length_s=2.5
            ),
            intervals=(Interval(from_us=1, to_us=2), Interval()),
            renditions=(
                Rendition(
                    format=Format.MP3,
                    key="recordings/main/r/recording.mp3",
                    size=1,
                    duration_ms=2,
                    channels=2,
                    sha256="00",
                    created_at=T0,
                ),
            ),
            gaps=(Gap(track=Track.INBOUND, offset_ms=1.5, duration_ms=40.0, reason="hole"),),
            quality=Quality(messages_received=3, largest_skew_ms=0.25),
            erasure=Erasure(asked_at=later(4), is_deletion=True, ended_at=later(6)),
            due_at=later(5),
        )
        core.recordings.create(recording, an_event(recording), None)
        assert recording == core.recordings.get(recording.recording_id)

    def test_knows_none_that_was_not_created(self, core: Any) -> None:
        """An unknown recording is NotFound."""

        with pytest.raises(NotFound):
            core.recordings.get("nobody")

    def test_creates_once(self, core: Any) -> None:
        """A second creation under the id changes nothing and returns the first."""

        first = stored(core)
        again = replace(first, labels={"other": "x"})
        assert first == core.recordings.create(again, an_event(again, at=later(1)), None)
        assert 1 == len(core.history.events(first.recording_id))

    def test_writes_move_event_and_callback_together(self, core: Any) -> None:
        """A move, its event and its callback are there after one write."""

        first = stored(core)
        moved = replace(first, state=State.PAUSED)
        owed = a_callback(moved)
        written = core.recordings.write(moved, an_event(moved, at=later(1)), owed)
        assert replace(moved, version=2) == written == core.recordings.get(first.recording_id)
        assert ["recording", "paused"] == [e.event for e in core.history.events(first.recording_id)]
        assert [owed] == core.outbox.rows(first.recording_id)

    def test_tells_all_moves_however_many(self, core: Any) -> None:
        """Those that stand in the row and those that have rows of their own come in one order,
        attempts to deliver between them."""

        recording = stored(core)
        for second in range(1, 12):
            moved = replace(recording, labels={"second": str(second)}, due_at=later(second))
            event = an_event(moved, at=later(second), event=f"move {second}")
            recording = core.recordings.write(moved, event, None)
            tried = an_event(moved, at=later(second + 0.5), event=f"attempt {second}")
            core.history.append(tried)
        expected = [f"{what} {n}" for n in range(1, 12) for what in ("move", "attempt")]
        told = [event.event for event in core.history.events(recording.recording_id)]
        assert ["recording", *expected] == told
        assert recording == core.recordings.get(recording.recording_id)

    def test_a_long_detail_is_told_too(self, core: Any) -> None:
        """One that is too long for the row has a row of its own."""

        first = stored(core)
        labels = {f"label {n}": "x" * 100 for n in range(10)}
        event = an_event(first, at=later(1), event="labelled", detail=labels)
        core.recordings.write(replace(first, labels=labels), event, None)
        assert event == core.history.events(first.recording_id)[-1]

    def test_a_move_takes_away_what_is_no_more(self, core: Any) -> None:
        """A value that equals its default again is stored no more, and nothing is due."""

        first = stored(core, reason="stop", due_at=later(5), labels={"a": "b"})
        moved = replace(first, reason="", due_at=None, labels={})
        written = core.recordings.write(moved, an_event(moved, at=later(1)), None)
        assert written == core.recordings.get(first.recording_id)
        assert [] == core.due_work.due(later(99), 10)

    def test_refuses_a_stale_version(self, core: Any) -> None:
        """Of two writers who read the same version the second one fails, and leaves no trace."""

        first = stored(core)
        paused, ended = replace(first, state=State.PAUSED), replace(first, state=State.FINALIZING)
        core.recordings.write(paused, an_event(paused, at=later(1)), None)
        with pytest.raises(PreconditionFailed):
            core.recordings.write(ended, an_event(ended, at=later(2)), a_callback(ended))
        assert [] == core.outbox.rows(first.recording_id)
        assert State.PAUSED == core.recordings.get(first.recording_id).state

    def test_takes_its_own_repetition_as_done(self, core: Any) -> None:
        """A write whose answer was lost succeeds when it is repeated, once."""

        first = stored(core)
        moved = replace(first, state=State.PAUSED)
        event, owed = an_event(moved, at=later(1)), a_callback(moved)
        written = core.recordings.write(moved, event, owed)
        assert written == core.recordings.write(moved, event, owed)
        assert 2 == len(core.history.events(first.recording_id))

    def test_refuses_a_callback_number_twice(self, core: Any) -> None:
        """Two callbacks never share a number: the second move is refused whole."""

        first = stored(core)
        moved = replace(first, state=State.PAUSED)
        written = core.recordings.write(moved, an_event(moved, at=later(1)), a_callback(moved))
        with pytest.raises(PreconditionFailed):
            core.recordings.write(written, an_event(written, at=later(2)), a_callback(written))
        assert 2 == core.recordings.get(first.recording_id).version

    def test_lists_a_calls_recordings_oldest_first(self, core: Any) -> None:
        """A call's recordings come in the order of their creation, another call's don't come."""

        stored(core, recording_id="b", created_at=later(1))
        stored(core, recording_id="a", created_at=later(2))
        other = CallRef(account="main", carrier="bandwidth", call_id="c-2")
        stored(core, recording_id="c", call=other)
        found = [one.recording_id for one in core.recordings.of_call(CALL.key)]
        assert ["b", "a"] == found

    def test_pages_through_an_account_newest_first(self, core: Any) -> None:
        """Pages follow each other without a gap or a repetition, over months."""

        times = [later(-86_400 * 40), later(-86_400 * 20), later(-86_400), T0, later(60)]
        for number, at in enumerate(times):
            stored(core, recording_id=f"r{number}", created_at=at)
        stored(core, recording_id="x", call=replace(CALL, account="other"))
        assert ["r4", "r3", "r2", "r1", "r0"] == everything(core, ALL, limit=2)

    def test_filters(self, core: Any) -> None:
        """Call, state, label and time each leave out what isn't wanted."""

        stored(core, recording_id="r0", labels={"tag": "vip"})
        stored(core, recording_id="r1", created_at=later(1), state=State.FINISHED)
        stored(core, recording_id="r2", created_at=later(2), call=replace(CALL, call_id="c-2"))
        filters = {
            "call": RecordingFilter(call_id="c-2"),
            "state": RecordingFilter(state="finished"),
            "label": RecordingFilter(label=("tag", "vip")),
            "since": RecordingFilter(since=later(1)),
            "until": RecordingFilter(until=later(1)),
        }
        found = {name: everything(core, wanted, limit=1) for name, wanted in filters.items()}
        assert {
            "call": ["r2"],
            "state": ["r1"],
            "label": ["r0"],
            "since": ["r2", "r1"],
            "until": ["r0"],
        } == found

    @pytest.mark.parametrize("year", [1, 999, 1000, 9999])
    def test_filters_by_any_time(self, core: Any, year: int) -> None:
        """What lies before everything, or after it, is no error, and no month is asked for."""

        stored(core, recording_id="r0")
        at, rest = T0.replace(year=year), ["r0"] if year < T0.year else []
        assert rest == everything(core, RecordingFilter(since=at), limit=1)
        assert [one for one in ["r0"] if one not in rest] == everything(
            core, RecordingFilter(until=at), limit=1
        )

    def test_lists_nothing_deleted(self, core: Any) -> None:
        """It is there for who knows its id: services tell nobody."""

        stored(core, recording_id="r-1", erasure=Erasure(asked_at=T0, is_deletion=True))
        stored(core, recording_id="r-2", created_at=later(1), erasure=Erasure(asked_at=T0))
        page = core.recordings.listing("main", ALL, 10, "")
        assert ["r-2"] == [row.recording_id for row in page.rows]

    def test_pages_through_a_filter(self, core: Any) -> None:
        """A page that could hold more than its limit goes on behind its last row."""

        for number in range(7):
            state = State.FINISHED if number % 2 else State.ERROR
            stored(core, recording_id=f"r{number}", created_at=later(number), state=state)
        wanted = RecordingFilter(state="error")
        assert ["r6", "r4", "r2", "r0"] == everything(core, wanted, limit=2)

    @pytest.mark.parametrize("cursor", ["x", "%%%", "bm90IGEgcGxhY2U", "2026", "é"])
    def test_refuses_a_cursor_it_did_not_give(self, core: Any, cursor: str) -> None:
        """A made-up cursor is the caller's mistake."""

        with pytest.raises(InvalidRequest) as refused:
            core.recordings.listing("main", ALL, 10, cursor)
        assert "invalid_cursor" == refused.value.code


def everything(core: Any, wanted: RecordingFilter, limit: int) -> list[str]:
    """Read all pages."""
    found, cursor = [], ""
    for _ in range(50):
        page = core.recordings.listing("main", wanted, limit, cursor)
        assert len(page.rows) <= limit
        found += [one.recording_id for one in page.rows]
        cursor = page.cursor
        if not cursor:
            return found
    raise AssertionError("pages without end")


class TestHistory:
    """The port RecordingHistory."""

    def test_appends_in_order_of_time(self, core: Any) -> None:
        """Events come back by their time, whole, whoever wrote them first."""

        recording = stored(core)
        late = an_event(recording, at=later(9), event="callback_delivered")
        early = an_event(recording, at=later(3), event="callback_failed")
        core.history.append(late)
        core.history.append(early)
        assert [early, late] == core.history.events(recording.recording_id)[1:]

    def test_takes_a_repetition_as_one(self, core: Any) -> None:
        """The same event twice is there once."""

        recording = stored(core)
        line = an_event(recording, at=later(3), event="callback_failed")
        core.history.append(line)
        core.history.append(line)
        assert 2 == len(core.history.events(recording.recording_id))


class TestOutbox:
    """The port Outbox."""

    def owed(self, core: Any) -> Any:
        """Create a recording that owes a callback."""
        recording = a_recording()
        row = a_callback(recording)
        core.recordings.create(recording, an_event(recording), row)
        return row

    def test_reads_by_webhook_id(self, core: Any) -> None:
        """A callback is found by its constant id, and only there."""

        row = self.owed(core)
        assert row == core.outbox.get(row.recording_id, row.webhook_id)
        with pytest.raises(NotFound):
            core.outbox.get(row.recording_id, "msg_other")

    def test_records_attempts_one_after_the_other(self, core: Any) -> None:
        """An attempt is written once: a second execution of the same one is refused."""

        row = self.owed(core)
        tried = replace(row, attempts=1, next_at=later(5), last_error="http_500")
        core.outbox.record_attempt(tried)
        with pytest.raises(PreconditionFailed):
            core.outbox.record_attempt(tried)
        again = replace(tried, attempts=2, next_at=later(300))
        core.outbox.record_attempt(again)
        assert again == core.outbox.get(row.recording_id, row.webhook_id)

    @pytest.mark.parametrize("end", [{"delivered_at": later(1)}, {"given_up": "gone"}])
    def test_leaves_a_done_row_alone(self, core: Any, end: dict[str, Any]) -> None:
        """After delivery, or giving up, no attempt is written and nothing is due."""

        row = self.owed(core)
        core.outbox.record_attempt(replace(row, attempts=1, **end))
        with pytest.raises(PreconditionFailed):
            core.outbox.record_attempt(replace(row, attempts=2))
        assert [] == core.due_work.due(later(10**6), 10)

    def test_begins_a_round_once(self, core: Any) -> None:
        """A new round makes a delivered row due again; who read the old round fails."""

        row = self.owed(core)
        done = replace(row, attempts=1, delivered_at=later(1))
        core.outbox.record_attempt(done)
        begun = core.outbox.begin_round(replace(done, attempts=0, next_at=later(9)))
        assert replace(row, round=2, next_at=later(9)) == begun
        assert begun == core.outbox.get(row.recording_id, row.webhook_id)
        with pytest.raises(PreconditionFailed):
            core.outbox.begin_round(done)


class TestDueWork:
    """The port DueWork."""

    def test_tells_what_is_due_longest_first(self, core: Any) -> None:
        """Recordings and callbacks come in the order in which they became due."""

        first = stored(core, recording_id="r1", due_at=later(100))
        owing = a_recording(recording_id="r2")
        core.recordings.create(owing, an_event(owing), a_callback(owing))
        stored(core, recording_id="r3")
        assert [
            Due(kind=DueKind.CALLBACK, key="r2", number=1, due_at=later(60)),
            Due(kind=DueKind.RECORDING, key=first.recording_id, number=0, due_at=later(100)),
        ] == core.due_work.due(later(100), 10)
        assert [] == core.due_work.due(later(59), 10)

    def test_forgets_what_is_due_no_more(self, core: Any) -> None:
        """A move without a due time takes the recording out of the index."""

        first = stored(core, due_at=later(100))
        moved = replace(first, due_at=None)
        core.recordings.write(moved, an_event(moved, at=later(1)), None)
        assert [] == core.due_work.due(later(100), 10)

    def test_postpones_to_the_next_attempt(self, core: Any) -> None:
        """A callback that waits for its next attempt is due a minute after that."""

        recording = a_recording(status_url=STATUS_URL)
        row = a_callback(recording)
        core.recordings.create(recording, an_event(recording), row)
        core.outbox.record_attempt(replace(row, attempts=1, next_at=later(300)))
        assert [later(360)] == [due.due_at for due in core.due_work.due(later(10**6), 10)]
