from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.carrier_reports import (
    CLOCK_TOLERANCE,
    CarrierReport,
    ReportedFacts,
    awaited_round,
    corrected_call,
    corrected_stream,
    merge,
    next_round,
)
from chalicelib.recording.model import Call, CallRef, Ending, Stream

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
REF = CallRef(account="main", carrier="bandwidth", call_id="c-1")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def said(
    *,
    started: float | None = None,
    ended: float | None = None,
    cause: str = "",
    facts: ReportedFacts | None = None,
) -> CarrierReport:
    times = [second for second in (started, ended) if second is not None]
    return CarrierReport(
        call=REF,
        carrier_stream_id="s-1",
        profile="office",
        started_at=None if started is None else at(started),
        ended_at=None if ended is None else at(ended),
        cause=cause,
        facts=facts or ReportedFacts(said_at=at(max(times, default=0))),
    )


def stream(**changes: object) -> Stream:
    built = Stream(
        call=REF,
        stream_key="k",
        carrier_stream_id="s-1",
        round=1,
        worker="w",
        dialect="bandwidth",
        tracks=(Track.INBOUND,),
        encoding=Encoding.PCMU,
        rate_hz=8000,
        opened_at=at(0),
        journal_from=0,
    )
    return replace(built, **changes)  # type: ignore[arg-type]  # fields by name


def call(**changes: object) -> Call:
    built = Call(ref=REF, profile="office", open=True, round=1, generation=1, opened_at=at(0))
    return replace(built, **changes)  # type: ignore[arg-type]  # fields by name


ANNOUNCEMENTS = st.builds(
    lambda started, ended, cause, second, node, labels: said(
        started=started,
        ended=ended,
        cause=cause,
        facts=ReportedFacts(said_at=at(second), node_id=node, labels=labels),
    ),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 3),
    st.sampled_from(["", "closed", "error"]),
    st.integers(0, 3),
    st.sampled_from(["", "a", "b"]),
    st.dictionaries(st.sampled_from(["tag", "desk"]), st.sampled_from(["1", "2"])),
)


@given(st.lists(ANNOUNCEMENTS, min_size=1, max_size=4))
def test_neither_order_nor_repetition_of_webhooks_shows_in_what_they_say_together(
    spoken: list[CarrierReport],
) -> None:
    """Merging is commutative, associative and idempotent."""

    expected = reduce(merge, spoken)

    for order in permutations(spoken):
        assert expected == reduce(merge, (*order, order[0]))


def test_a_late_start_does_not_take_back_an_end() -> None:
    """A `started` that arrives after its `stopped` leaves the stream ended."""

    together = merge(said(ended=9, cause="closed"), said(started=1))

    assert together.ended
    assert (at(1), at(9), "closed") == (together.started_at, together.ended_at, together.cause)


def test_a_path_that_is_tapped_again_is_live_again() -> None:
    """A start later than the end means a new stream under the same name."""

    assert not merge(said(started=1, ended=2), said(started=3)).ended


def test_an_announcement_without_an_end_is_not_ended() -> None:
    """A start alone doesn't end anything; an end alone does."""

    assert not said(started=1).ended
    assert said(ended=1).ended


def test_a_webhook_corrects_the_encoding_of_its_stream_only() -> None:
    """The encoding that the webhook names wins over the profile's, for the stream it names."""

    pcma = said(started=0, facts=ReportedFacts(said_at=at(0), encoding=Encoding.PCMA))

    assert Encoding.PCMA is corrected_stream(stream(), [pcma]).encoding
    assert Encoding.PCMU is corrected_stream(stream(carrier_stream_id="x"), [pcma]).encoding


def test_a_socket_that_closed_after_the_carrier_said_finished_was_stopped() -> None:
    """An announced end turns a closed or broken socket into a stop."""

    closed = stream(ended_at=at(10), ending=Ending.CLOSED)

    assert Ending.STOPPED is corrected_stream(closed, [said(started=0, ended=10)]).ending


def test_a_live_socket_is_not_ended_by_its_webhook() -> None:
    """Media may still flow when `finished` comes; only the socket's end ends a stream."""

    assert corrected_stream(stream(), [said(started=0, ended=1)]).ending is None


def test_the_end_of_an_earlier_stream_does_not_stop_a_later_one_under_its_name() -> None:
    """An end from before the handshake belongs to the earlier stream."""

    closed = stream(opened_at=at(20), ended_at=at(30), ending=Ending.CLOSED)

    assert Ending.CLOSED is corrected_stream(closed, [said(started=0, ended=10)]).ending


def test_a_call_shows_what_its_latest_webhook_says() -> None:
    """Facts of the latest webhook win; what it leaves out stays."""

    facts = ReportedFacts(said_at=at(1), node_id="n", labels={"tag": "vip"})

    corrected = corrected_call(call(labels={"desk": "7"}, space_id="s"), [said(facts=facts)])

    assert ("n", "s") == (corrected.node_id, corrected.space_id)
    assert {"desk": "7", "tag": "vip"} == corrected.labels


def test_a_call_without_webhooks_stays_as_it_is() -> None:
    """No announcement changes nothing."""

    assert call() == corrected_call(call(), [])


def test_rounds_follow_each_other() -> None:
    """An unknown call has round 1, an open one its own, a closed one the next."""

    closed = call(open=False, closed_at=at(9))

    assert (1, 1, 2) == (next_round(None), next_round(call()), next_round(closed))


def test_an_announced_stream_of_an_unknown_call_awaits_media() -> None:
    """Started or ended first: the announced media is missed either way."""

    assert 1 == awaited_round(said(started=1), None, [])
    assert 1 == awaited_round(said(ended=1), None, [])


def test_a_stream_that_came_is_not_awaited() -> None:
    """Media answers its announcement, even when the announcement is late."""

    never_closed = call(open=False, round=0)

    assert awaited_round(said(started=1), never_closed, [stream()]) is None
    assert awaited_round(said(ended=9), never_closed, [stream(ended_at=at(9))]) is None
    assert awaited_round(said(started=1), never_closed, [stream(ended_at=at(9))]) is None
    assert 1 == awaited_round(said(started=1), never_closed, [stream(carrier_stream_id="x")])


def test_nothing_is_awaited_in_an_open_round() -> None:
    """A live call's recording has begun, though the second of its two taps may still be missing."""

    assert awaited_round(said(started=1), call(), [stream(carrier_stream_id="other")]) is None


def test_nothing_is_awaited_in_a_round_that_closed() -> None:
    """A late webhook of a closed round opens no new one."""

    closed = call(open=False, closed_at=at(9))

    assert awaited_round(said(started=5), closed, []) is None
    assert awaited_round(said(ended=500), closed, []) is None


def test_a_stream_announced_well_after_the_close_awaits_the_next_round() -> None:
    """Beyond the tolerance between clocks, a start is a new round's."""

    closed = call(open=False, closed_at=at(9))
    later = CLOCK_TOLERANCE.total_seconds() + 10

    assert 2 == awaited_round(said(started=later), closed, [stream(ended_at=at(9))])


def test_a_call_that_never_streamed_awaits_its_first_round() -> None:
    """A call row that a request made before media has round 0 and never closed."""

    assert 1 == awaited_round(said(started=1), call(open=False, round=0), [])
