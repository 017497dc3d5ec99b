"""How a call lives: joining, ending, closing, each also with a death at every step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.errors import Forbidden, IllegalTransition, NotFound, Unavailable
from chalicelib.ports.values import CloseResult
from chalicelib.recording import keys
from chalicelib.recording.carrier_reports import ReportedFacts
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Call, Ending, Interval, Recording, RecordOptions, State
from chalicelib.recording.pending import pending_recording, requested
from tests.samples import (
    CALL,
    STATUS_URL,
    T0,
    a_call,
    a_joining,
    a_profile,
    an_announcement,
    later,
)
from tests.services.core_desk import Desk


def pending(desk: Desk, control_id: str = "mine", round_: int = 1) -> Recording:
    """Ask for a recording before its call has media."""
    recording = pending_recording(
        CALL,
        desk.core.store.profiles["main", "front"],
        control_id=control_id,
        round_=round_,
        options=RecordOptions(),
        labels={"mine": "yes"},
        at=later(-10),
        due_at=later(290),
    )
    return desk.core.recordings.create(recording, requested(recording, "record_call"), None)


def whole_call(desk: Desk) -> None:
    """Live one call's life: two streams, an end each, a close."""
    join = desk.control.join_call
    join(a_joining())
    join(a_joining(stream_key="stream-2", opened_at=later(2)))
    desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
    desk.control.end_stream(CALL, "stream-2", Ending.STOPPED, later(11))
    assert CloseResult(closed=True) == desk.control.close_call(CALL, 1, later(11))


class TestJoining:
    """join_call."""

    def test_opens_the_call_and_starts_the_default_recording(self) -> None:
        """A first stream opens its call, starts what the profile records, and owes `recording`."""

        desk = Desk()
        joined = desk.control.join_call(a_joining())
        recording = desk.recording()
        assert (1, 1, Encoding.PCMU) == (joined.call_session, joined.stream_count, joined.encoding)
        assert (recording,) == joined.recordings
        assert State.RECORDING == recording.state
        assert keys.default_control_id(CALL.key, 1) == recording.control_id
        assert (T0, (Interval(),)) == (recording.started_at, recording.intervals)
        assert {"desk": "front", "agent": "smith"} == recording.labels
        assert ["recording"] == desk.told()
        assert 1 == len(desk.workflows.deliveries)

    def test_writes_the_body_of_the_callback(self) -> None:
        """The callback's body is the carrier's shape, with our node where it named none."""

        desk = Desk()
        desk.control.join_call(a_joining())
        (row,) = desk.core.store.outbox.values()
        params = json.loads(row.body)["params"]
        assert STATUS_URL == row.url
        assert {
            "call_id": "c-1",
            "node_id": "tapedeck-worker-1",
            "control_id": keys.default_control_id(CALL.key, 1),
            "state": "recording",
        } == params

    def test_owes_nothing_without_a_status_url(self) -> None:
        """Where nobody asked for callbacks there is the event, and no row to deliver."""

        desk = Desk(a_profile(status_url=""))
        desk.control.join_call(a_joining())
        assert [] == desk.told()
        (event,) = desk.core.history.events(desk.recording().recording_id)
        assert "recording" == event.event

    def test_joins_once(self) -> None:
        """The same stream again changes nothing and gets the same answer."""

        desk = Desk()
        first = desk.control.join_call(a_joining())
        assert first == desk.control.join_call(a_joining())
        assert 1 == len(desk.core.store.streams)

    def test_counts_a_second_stream(self) -> None:
        """Another stream of an open call joins its round and its recording."""

        desk = Desk()
        desk.control.join_call(a_joining())
        joined = desk.control.join_call(a_joining(stream_key="stream-2", opened_at=later(2)))
        assert (1, 2) == (joined.call_session, joined.stream_count)
        assert (desk.recording(),) == joined.recordings

    def test_takes_the_encoding_that_was_announced(self) -> None:
        """The codec of a webhook that came first wins over the profile's."""

        desk = Desk()
        said = an_announcement(facts=ReportedFacts(said_at=T0, encoding=Encoding.PCMA))
        desk.core.store.announcements[CALL.key, "s-1"] = said
        joined = desk.control.join_call(a_joining(encoding=None))
        assert Encoding.PCMA == joined.encoding

    def test_merges_the_labels_that_were_announced(self) -> None:
        """The tag of a webhook that came first stands on the recording."""

        desk = Desk()
        desk.core.store.announcements[CALL.key, "s-1"] = an_announcement()
        desk.control.join_call(a_joining())
        assert {"desk": "front", "agent": "smith", "tag": "vip"} == desk.recording().labels

    def test_starts_what_waits(self) -> None:
        """A pending recording begins with the first media, beside the profile's own."""

        desk = Desk()
        asked = pending(desk)
        joined = desk.control.join_call(a_joining())
        begun = desk.core.recordings.get(asked.recording_id)
        assert (State.RECORDING, T0, None) == (begun.state, begun.started_at, begun.due_at)
        assert "yes" == begun.labels["mine"]
        assert 2 == len(joined.recordings)

    def test_starts_a_default_recording_that_was_announced(self) -> None:
        """The default recording that a webhook made pending is the one that begins."""

        desk = Desk()
        asked = pending(desk, keys.default_control_id(CALL.key, 1))
        desk.control.join_call(a_joining())
        assert asked.recording_id == desk.recording().recording_id
        assert ["recording"] == desk.states()

    def test_records_nothing_by_itself_without_a_default(self) -> None:
        """Without default options and requests nobody wants the media."""

        desk = Desk(a_profile(record_call=None))
        assert () == desk.control.join_call(a_joining()).recordings

    def test_begins_a_later_round_that_continues(self) -> None:
        """A stream after the close starts a new recording that names the earlier one."""

        desk = Desk()
        whole_call(desk)
        joined = desk.control.join_call(a_joining(stream_key="stream-3", opened_at=later(60)))
        first, second = desk.recordings()
        assert (2, 3) == (joined.call_session, joined.stream_count)
        assert first.recording_id == second.continues
        assert ["finalizing", "recording"] == desk.states()

    def test_records_media_that_came_after_it_was_given_up(self) -> None:
        """Media that is later than its announcement allows gets a recording of its own."""

        desk = Desk()
        asked = pending(desk, keys.default_control_id(CALL.key, 1))
        desk.transitions.move(
            asked,
            Cause.NO_MEDIA,
            Writer.SWEEPER,
            call=desk.core.calls.ensure(unheard_call()),
            at=later(-1),
        )
        joined = desk.control.join_call(a_joining())
        assert (2, ["error", "recording"]) == (joined.call_session, desk.states())

    def test_speaks_as_its_profile_does(self) -> None:
        """A token for one dialect opens no door for another."""

        desk = Desk()
        with pytest.raises(Forbidden) as refused:
            desk.control.join_call(a_joining(dialect="telnyx"))
        assert ("wrong_dialect", {}) == (refused.value.code, desk.core.store.streams)

    def test_needs_its_profile(self) -> None:
        """A stream of a profile that is gone is refused."""

        with pytest.raises(NotFound):
            Desk().control.join_call(a_joining(profile="gone"))


class TestEnding:
    """end_stream and end_recording."""

    def test_notes_the_end(self) -> None:
        """A stream's end says how, when, and in which segments its media lies; its worker holds it
        until the call is closed."""

        desk = Desk()
        desk.control.join_call(a_joining())
        said = desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(5), segments=(0, 2))
        (stream,) = desk.core.calls.streams(CALL.key)
        assert (Ending.BROKEN, later(5), Ending.BROKEN, True, (0, 2)) == (
            said,
            stream.ended_at,
            stream.ending,
            stream.complete,
            stream.segments,
        )
        assert [stream] == desk.core.live_streams.of_worker("worker-1")
        assert desk.control.close_call(CALL, 1, later(30)).closed
        assert [] == desk.core.live_streams.of_worker("worker-1")

    def test_knows_what_is_in_the_journal_alone(self) -> None:
        """A stream whose segments miss something stays on its worker's list, for the journal."""

        desk = Desk()
        desk.control.join_call(a_joining())
        end, at = desk.control.end_stream, later(5)
        end(CALL, "stream-1", Ending.STOPPED, at, in_segments=False, segments=(0, 2))
        (stream,) = desk.core.calls.streams(CALL.key)
        assert (Ending.STOPPED, False, None) == (stream.ending, stream.complete, stream.segments)
        assert [stream] == desk.core.live_streams.of_worker("worker-1")

    def test_keeps_the_first_end(self) -> None:
        """A second end of the same stream changes nothing."""

        desk = Desk()
        desk.control.join_call(a_joining())
        desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(5))
        assert Ending.BROKEN == desk.control.end_stream(CALL, "stream-1", Ending.CLOSED, later(6))

    def test_says_what_the_carrier_said(self) -> None:
        """A socket that broke after the carrier's webhook told the end has stopped."""

        desk = Desk()
        desk.control.join_call(a_joining())
        desk.core.store.announcements[CALL.key, "s-1"] = an_announcement(ended_at=later(5))
        assert Ending.STOPPED == desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(5))

    def test_knows_its_streams(self) -> None:
        """A stream that never joined can't end."""

        desk = Desk()
        desk.control.join_call(a_joining())
        with pytest.raises(NotFound):
            desk.control.end_stream(CALL, "stream-9", Ending.CLOSED, later(5))

    def test_ends_one_recording_of_a_live_call(self) -> None:
        """max_length cuts the interval, moves to finalizing and starts the finalization."""

        desk = Desk()
        desk.control.join_call(a_joining())
        recording_id = desk.recording().recording_id
        for _ in range(2):
            desk.control.end_recording(recording_id, Cause.MAX_LENGTH, later(30))
        ended = desk.recording()
        to_us = int(later(30).timestamp()) * 1_000_000
        assert (State.FINALIZING, "max_length", later(30)) == (
            ended.state,
            ended.reason,
            ended.ended_at,
        )
        assert (Interval(to_us=to_us),) == ended.intervals
        assert [(recording_id, 1)] == desk.workflows.finalizations

    def test_obeys_the_lifecycle(self) -> None:
        """A recording without media can't reach its length."""

        desk = Desk()
        asked = pending(desk)
        desk.core.calls.ensure(unheard_call())
        with pytest.raises(IllegalTransition):
            desk.control.end_recording(asked.recording_id, Cause.MAX_LENGTH, later(1))


def unheard_call() -> Call:
    """Return a call that a webhook made known."""
    return a_call(open=False, round=0, generation=0)


class TestClosing:
    """close_call."""

    def test_waits_for_a_live_stream(self) -> None:
        """A call with a live stream isn't closed, and nobody asks again."""

        desk = Desk()
        desk.control.join_call(a_joining())
        assert CloseResult(closed=False) == desk.control.close_call(CALL, 1, later(1))

    @pytest.mark.parametrize(
        ("ending", "asks_at", "closes_at"),
        [
            (Ending.STOPPED, 10, 10),
            (Ending.CLOSED, 13, 13),
            (Ending.BROKEN, 13, 30),
        ],
    )
    def test_waits_for_the_grace(self, ending: Ending, asks_at: float, closes_at: float) -> None:
        """How the last stream ended decides when its call closes, and when to ask again."""

        desk = Desk()
        desk.control.join_call(a_joining())
        desk.control.end_stream(CALL, "stream-1", ending, later(10))
        answer = desk.control.close_call(CALL, 1, later(10))
        expected = CloseResult(closed=False, retry_at=later(asks_at))
        assert (CloseResult(closed=True) if asks_at == 10 else expected) == answer
        assert CloseResult(closed=True) == desk.control.close_call(CALL, 1, later(closes_at))

    def test_leaves_no_grace_to_a_stream_that_was_replaced(self) -> None:
        """A reconnect that stopped closes at once, whatever the first socket's end was."""

        desk = Desk()
        desk.control.join_call(a_joining())
        desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(10))
        desk.control.join_call(a_joining(stream_key="stream-2", opened_at=later(12)))
        desk.control.end_stream(CALL, "stream-2", Ending.STOPPED, later(14))
        assert CloseResult(closed=True) == desk.control.close_call(CALL, 1, later(14))

    def test_waits_for_the_grace_of_another_track(self) -> None:
        """Of two taps the one that broke keeps the call open for its reconnect."""

        desk = Desk()
        desk.control.join_call(a_joining(tracks=(Track.INBOUND,)))
        desk.control.join_call(a_joining(stream_key="stream-2", tracks=(Track.OUTBOUND,)))
        desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(10))
        desk.control.end_stream(CALL, "stream-2", Ending.CLOSED, later(11))
        answer = desk.control.close_call(CALL, 1, later(28))
        assert CloseResult(closed=False, retry_at=later(30)) == answer

    def test_says_why_the_last_stream_was_cut(self) -> None:
        """In the stream's row, as the recording's reason, and in its history; an earlier cut, after
        which the carrier came again, is only the stream's."""

        desk, again = Desk(), Desk()
        for one in (desk, again):
            one.control.join_call(a_joining())
            one.control.end_stream(
                CALL, "stream-1", Ending.BROKEN, later(10), reason="stream_too_long"
            )
        again.control.join_call(a_joining(stream_key="stream-2", opened_at=later(12)))
        again.control.end_stream(CALL, "stream-2", Ending.STOPPED, later(40))
        for one in (desk, again):
            assert CloseResult(closed=True) == one.control.close_call(CALL, 1, later(40))

        assert ["stream_too_long"] == [one.reason for one in desk.core.calls.streams(CALL.key)]
        assert ["stream_too_long", ""] == [one.reason for one in again.core.calls.streams(CALL.key)]
        assert ["stream_too_long", "call_closed"] == [
            one.recording().reason for one in (desk, again)
        ]
        assert [
            {"cause": "call_closed", "by": "owner", "reason": "stream_too_long"},
            {"cause": "call_closed", "by": "owner"},
        ] == [
            one.core.history.events(one.recording().recording_id)[-1].detail
            for one in (desk, again)
        ]

    def test_a_recording_that_never_had_media_has_no_other_reason(self) -> None:
        """Its stream was cut before it brought any: what was asked for is `no_media`."""

        desk = Desk(a_profile(record_call=None))
        desk.control.join_call(a_joining())
        asked = pending(desk, round_=2)
        desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(1), reason="too_fast")
        desk.control.close_call(CALL, 1, later(40))
        desk.control.rounds.end(desk.core.calls.get(CALL.key), 2, [], later(41))

        assert "no_media" == desk.core.recordings.get(asked.recording_id).reason

    def test_sends_the_recordings_to_finalization(self) -> None:
        """Closing ends what records, dates it by the last stream's end, and starts it."""

        desk = Desk()
        whole_call(desk)
        recording = desk.recording()
        assert (State.FINALIZING, "call_closed", later(11), 1) == (
            recording.state,
            recording.reason,
            recording.ended_at,
            recording.attempt,
        )
        assert [(recording.recording_id, 1)] == desk.workflows.finalizations
        call = desk.core.calls.get(CALL.key)
        assert (False, later(11), None) == (call.open, call.closed_at, call.due_at)

    def test_fails_what_never_began(self) -> None:
        """A recording that was asked for on a live call, and never began, is an error."""

        desk = Desk(a_profile(record_call=None))
        desk.control.join_call(a_joining())
        pending(desk)
        desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
        desk.control.close_call(CALL, 1, later(10))
        assert (State.ERROR, "no_media") == (desk.recording().state, desk.recording().reason)
        assert ["error"] == desk.told()

    def test_starts_again_what_a_crash_left(self) -> None:
        """Closing a closed call starts its finalizations: by their names, so nothing twice."""

        desk = Desk()
        whole_call(desk)
        desk.workflows.finalizations.clear()
        assert CloseResult(closed=True) == desk.control.close_call(CALL, 1, later(99))
        assert [(desk.recording().recording_id, 1)] == desk.workflows.finalizations

    def test_leaves_a_later_round_alone(self) -> None:
        """Who closes a round that closed long ago doesn't touch the next one."""

        desk = Desk()
        whole_call(desk)
        desk.control.join_call(a_joining(stream_key="stream-3", opened_at=later(60)))
        assert CloseResult(closed=True) == desk.control.close_call(CALL, 1, later(61))
        assert ["finalizing", "recording"] == desk.states()
        assert desk.core.calls.get(CALL.key).open

    def test_ends_what_a_crash_left_of_an_earlier_round(self) -> None:
        """A call that closed, and was opened again before its recordings ended."""

        desk = Desk()
        desk.control.join_call(a_joining())
        desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
        call = desk.core.calls.get(CALL.key)
        desk.core.call_life.close(replace(call, open=False, closed_at=later(10)))
        desk.control.join_call(a_joining(stream_key="stream-2", opened_at=later(20)))
        assert None is desk.core.calls.get(CALL.key).closed_at
        desk.control.end_stream(CALL, "stream-2", Ending.STOPPED, later(30))
        assert CloseResult(closed=True) == desk.control.close_call(CALL, 2, later(30))
        assert ["finalizing", "finalizing"] == desk.states()


def retried(step: Callable[[], object]) -> None:
    """Run a step as the sink does: again while it is Unavailable."""
    for _ in range(5):
        try:
            step()
        except Unavailable:
            continue
        return
    raise AssertionError("never available")


class TestCrashes:
    """A death after any line, then again: the end is the same."""

    @pytest.mark.parametrize("acts", [False, True])
    def test_ends_the_same_after_a_fault_at_any_call(self, acts: bool) -> None:
        """A fault before or after any port call changes nothing in the end."""

        smooth = Desk()
        whole_call(smooth)
        for n in range(1, smooth.core.faults.calls + 1):
            desk = Desk()
            (desk.core.faults.after if acts else desk.core.faults.before)(n)
            retried(lambda desk=desk: whole_call(desk))  # type: ignore[misc]
            assert ends(smooth) == ends(desk), n

    def test_starts_deliveries_later_where_they_cannot_start_now(self) -> None:
        """A callback whose delivery couldn't be started is due within a minute."""

        desk = Desk()
        failing = replace(desk.transitions, workflows=_Refusing())
        replace(desk.control, transitions=failing).join_call(a_joining())
        due = desk.core.due_work.due(later(60), 10)
        assert [desk.recording().recording_id] == [one.key for one in due]


class _Refusing:
    """Workflows that are down."""

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Raise Unavailable."""
        raise Unavailable("down")

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Raise Unavailable."""
        raise Unavailable("down")


def ends(desk: Desk) -> tuple[object, ...]:
    """Return everything that a call's life leaves, without what counts its writes."""
    store = desk.core.store
    return (
        store.recordings,
        store.events,
        store.outbox,
        store.calls,
        store.streams,
        store.held,
        desk.workflows.finalizations,
    )
