"""Which sample of which object sounds where in a rendition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.capture.events import Track
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record
from chalicelib.capture.timeline import Reason, Timeline
from chalicelib.recording.model import (
    CallRef,
    Direction,
    Gap,
    Interval,
    Quality,
    Recording,
    RecordOptions,
    State,
)
from chalicelib.recording.rendition_plan import (
    MIXED_RATES,
    MIXED_SOURCE,
    NOT_STORED,
    RenditionPlan,
    fullest,
    plan,
    shown_intervals,
)
from tests.capture.facts import OPENED_US, entry, head, record

INBOUND, OUTBOUND, MIXED = Track.INBOUND, Track.OUTBOUND, Track.MIXED
ORIGIN_US = OPENED_US + 20_000
BOTH_TRACKS = [record(0), record(8000), record(0, 12_000, track=OUTBOUND)]


def timeline(*records: Record) -> Timeline:
    """Return the timeline of stream s1."""
    return place([head()], [entry(one, f"segments/{n}") for n, one in enumerate(records)])


def tracks(of: RenditionPlan) -> list[list[Track]]:
    """Return the tracks of each channel."""
    return [[lane.track for lane in channel.lanes] for channel in of.channels]


def pieces(of: RenditionPlan, channel: int = 0) -> list[tuple[int, int, int]]:
    """Return skip, samples and position of each piece of a channel's first lane."""
    return [(p.skip, p.samples, p.position) for p in of.channels[channel].lanes[0].pieces]


def shown(of: Timeline, *seconds: tuple[float | None, float | None]) -> RenditionPlan:
    """Return the plan of a recording that shows these seconds of the call."""
    bounds = [[None if s is None else ORIGIN_US + round(s * 1e6) for s in pair] for pair in seconds]
    return plan(of, [], RecordOptions(), [Interval(from_us=a, to_us=b) for a, b in bounds])


@pytest.mark.parametrize(
    ("direction", "stereo", "channels"),
    [
        (Direction.BOTH, False, [[INBOUND, OUTBOUND]]),
        (Direction.BOTH, True, [[INBOUND], [OUTBOUND]]),
        (Direction.SPEAK, False, [[INBOUND]]),
        (Direction.SPEAK, True, [[INBOUND]]),
        (Direction.LISTEN, False, [[OUTBOUND]]),
        (Direction.LISTEN, True, [[OUTBOUND]]),
    ],
)
def test_channels_of_two_tracks(
    direction: Direction, stereo: bool, channels: list[list[Track]]
) -> None:
    """Inbound is channel 0, outbound channel 1; one track is one channel, both else a sum."""
    options = RecordOptions(direction=direction, stereo=stereo)

    assert channels == tracks(plan(timeline(*BOTH_TRACKS), [], options))


@pytest.mark.parametrize(
    ("direction", "stereo"), [(d, stereo) for d in Direction for stereo in (False, True)]
)
def test_a_mixed_source_is_one_channel_and_says_so(direction: Direction, stereo: bool) -> None:
    """What the carrier mixed can't be taken apart, whatever was asked for."""
    made = plan(
        timeline(record(0, track=MIXED)), [], RecordOptions(direction=direction, stereo=stereo)
    )

    assert ([[MIXED]], MIXED_SOURCE) == (tracks(made), made.note)


def test_tracks_of_their_own_are_better_than_a_mix() -> None:
    """Where both sides came apart too, the mix isn't added to them; one side alone isn't both."""
    three = timeline(*BOTH_TRACKS, record(0, track=MIXED))
    two = timeline(record(0), record(0, track=MIXED))

    assert [[INBOUND], [OUTBOUND]] == tracks(plan(three, [], RecordOptions(stereo=True)))
    assert [[MIXED]] == tracks(plan(two, [], RecordOptions(stereo=True)))
    assert [[INBOUND]] == tracks(plan(two, [], RecordOptions(direction=Direction.SPEAK)))


def test_an_announced_track_that_never_came_is_silence() -> None:
    """Its channel is there, empty, and the whole of it a gap."""
    made = plan(timeline(record(0)), [], RecordOptions(stereo=True), (), {INBOUND, OUTBOUND})

    assert [[INBOUND], [OUTBOUND]] == tracks(made)
    assert [] == pieces(made, 1)
    assert (
        Gap(track=OUTBOUND, offset_ms=0.0, duration_ms=1000.0, reason=Reason.NO_MEDIA),
    ) == made.gaps


def test_the_only_track_of_a_call_is_one_channel() -> None:
    """Stereo of a stream that announced one track has one channel."""
    made = plan(timeline(record(0)), [], RecordOptions(stereo=True), (), {INBOUND})

    assert [[INBOUND]] == tracks(made)


def test_nothing_captured_is_an_empty_plan() -> None:
    """A capture without samples, or without those asked for, says so."""
    nothing = plan(place([], []), [], RecordOptions())
    wrong = plan(timeline(record(0)), [], RecordOptions(direction=Direction.LISTEN))

    assert (True, 0) == (nothing.is_empty, nothing.samples)
    assert wrong.is_empty
    assert not plan(timeline(record(0)), [], RecordOptions()).is_empty


def test_names_its_objects_in_order_of_use() -> None:
    """Each object once, by where its first sample sounds, over all tracks."""
    made = plan(timeline(*BOTH_TRACKS), [], RecordOptions(stereo=True))

    assert ("segments/0", "segments/2", "segments/1") == made.object_keys


def test_open_intervals_show_everything() -> None:
    """No interval, and one without bounds, are the whole call."""
    whole = plan(timeline(*BOTH_TRACKS), [], RecordOptions())

    assert ([(0, 8000, 0), (0, 8000, 8000)], 16_000) == (pieces(whole), whole.samples)
    assert whole == shown(timeline(*BOTH_TRACKS), (None, None))


def test_what_lies_between_intervals_is_left_out() -> None:
    """A pause takes its samples away, and what follows moves up."""
    made = shown(timeline(*BOTH_TRACKS), (None, 0.25), (1.5, None))

    assert ([(0, 2000, 0), (4000, 4000, 2000)], 6000) == (pieces(made), made.samples)


def test_intervals_in_any_order_never_show_a_sample_twice() -> None:
    """Overlapping intervals are one stretch."""
    made = shown(timeline(*BOTH_TRACKS), (0.5, 1.5), (0.25, 1.0), (0.3, 0.4))

    assert ([(2000, 6000, 0), (0, 4000, 6000)], 10_000) == (pieces(made), made.samples)


def test_intervals_outside_the_capture_show_nothing() -> None:
    """Before the first sample and after the last there is nothing to show."""
    made = shown(timeline(*BOTH_TRACKS), (-3, -1), (7, 9), (1.0, 1.0))

    assert (True, 0, ()) == (made.is_empty, made.samples, made.gaps)


@pytest.mark.parametrize(
    ("max_length_s", "samples"), [(0.0, 16_000), (0.5, 4000), (1.5001, 12_001), (9.0, 16_000)]
)
def test_max_length_cuts_to_the_sample(max_length_s: float, samples: int) -> None:
    """The rendition is exactly as long as asked for, or as there is; 0 is no bound."""
    made = plan(timeline(*BOTH_TRACKS), [], RecordOptions(max_length_s=max_length_s))

    assert (samples, samples) == (
        made.samples,
        sum(samples for _, samples, _ in pieces(made)),
    )


def test_max_length_counts_what_is_shown() -> None:
    """Paused time is no length."""
    made = plan(
        timeline(*BOTH_TRACKS),
        [],
        RecordOptions(max_length_s=1.25),
        [
            Interval(to_us=ORIGIN_US + 500_000),
            Interval(from_us=ORIGIN_US + 1_000_000, to_us=ORIGIN_US + 1_500_000),
            Interval(from_us=ORIGIN_US + 1_600_000),
        ],
    )

    assert ([(0, 4000, 0), (0, 4000, 4000), (4800, 2000, 8000)], 10_000) == (
        pieces(made),
        made.samples,
    )


def test_a_recording_that_ran_its_length_ends_by_samples() -> None:
    """The wall clock's end of a max_length counts no sample; any other end does."""
    ended = (Interval(from_us=1, to_us=2), Interval(from_us=3, to_us=4))
    full = Recording(
        recording_id="r-1",
        call=CallRef(account="main", carrier="bandwidth", call_id="c-1"),
        control_id="control-1",
        state=State.FINALIZING,
        version=1,
        round=1,
        options=RecordOptions(),
        profile="sales",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        intervals=ended,
        reason="max_length",
    )

    assert (ended[0], Interval(from_us=3)) == shown_intervals(full)
    assert ended == shown_intervals(replace(full, reason="stop"))
    assert () == shown_intervals(replace(full, intervals=()))


def test_gaps_are_told_where_the_rendition_has_them() -> None:
    """A hole moves with its interval, is cut by it, and is left out with it."""
    torn = timeline(record(0), *[record(16_000 + 8000 * n) for n in range(20)])
    hole = Gap(track=INBOUND, offset_ms=1000.0, duration_ms=1000.0, reason=Reason.NOT_STORED)

    assert (hole,) == shown(torn, (None, None)).gaps
    assert [(500.0, 1000.0)] == [
        (gap.offset_ms, gap.duration_ms) for gap in shown(torn, (0.5, None)).gaps
    ]
    assert [(0.0, 500.0)] == [
        (gap.offset_ms, gap.duration_ms) for gap in shown(torn, (1.5, None)).gaps
    ]
    assert [] == [*shown(torn, (0.0, 1.03)).gaps, *shown(torn, (2.0, None)).gaps]


def test_gaps_of_tracks_that_arent_shown_are_no_gaps() -> None:
    """Who records one side isn't told of the other's holes."""
    made = plan(timeline(*BOTH_TRACKS), [], RecordOptions(direction=Direction.SPEAK))

    assert () == made.gaps


def test_quality_sums_the_newest_heads() -> None:
    """Each stream's counts are its last ones; silence is what no piece fills, over all tracks."""
    old = msgspec.structs.replace(head("s1"), messages_received=50, messages_lost=9)
    new = msgspec.structs.replace(
        head("s1"),
        messages_received=100,
        messages_lost=2,
        messages_late=3,
        messages_reordered=4,
        messages_duplicated=5,
    )
    other = msgspec.structs.replace(head("s2"), messages_received=10, messages_lost=1)
    made = plan(timeline(*BOTH_TRACKS), [new, old, other], RecordOptions())

    assert {"s1": new, "s2": other} == fullest([old, new, other])
    assert (
        Quality(
            messages_received=110,
            messages_lost=3,
            messages_late=3,
            messages_reordered=4,
            messages_duplicated=5,
            silence_inserted_ms=500.0,
        )
        == made.quality
    )


def test_a_stream_that_was_left_out_is_told() -> None:
    """Quality names why something is missing that was received."""
    joined = place(
        [head("s1"), head("s2", rate_hz=16_000)],
        [entry(record(0)), entry(record(0, stream_key="s2", late_ms=100))],
    )

    assert MIXED_RATES == plan(joined, [], RecordOptions()).quality.degraded


def test_received_media_that_is_not_stored_is_told() -> None:
    """A recording that shows a stretch which was dropped is degraded; one that doesn't isn't."""
    dropped = timeline(record(0), record(24_000))

    assert NOT_STORED == plan(dropped, [], RecordOptions()).quality.degraded
    assert "" == shown(dropped, (0, 1)).quality.degraded
    assert "" == plan(timeline(*BOTH_TRACKS), [], RecordOptions()).quality.degraded


@settings(deadline=None)
@given(
    seconds=st.lists(
        st.tuples(
            st.none() | st.floats(-1, 4, allow_nan=False),
            st.none() | st.floats(-1, 4, allow_nan=False),
        ),
        max_size=5,
    ),
    stereo=st.booleans(),
    max_length_s=st.sampled_from([0.0, 0.1, 1.7]),
)
def test_pieces_are_in_order_and_inside(
    seconds: list[tuple[float | None, float | None]], stereo: bool, max_length_s: float
) -> None:
    """Whatever the intervals, each lane's pieces follow each other within the rendition."""
    intervals = [
        Interval(
            from_us=None if begin is None else ORIGIN_US + round(begin * 1e6),
            to_us=None if end is None else ORIGIN_US + round(end * 1e6),
        )
        for begin, end in seconds
    ]
    options = RecordOptions(stereo=stereo, max_length_s=max_length_s)
    made = plan(timeline(*BOTH_TRACKS, record(20_000, 4000)), [], options, intervals)

    for channel in made.channels:
        for lane in channel.lanes:
            ends = 0
            for piece in lane.pieces:
                assert ends <= piece.position
                assert 0 <= piece.skip
                assert 0 < piece.samples
                assert piece.skip + piece.samples <= piece.stored.record.samples
                ends = piece.position + piece.samples
            assert ends <= made.samples


def silently(
    of: Timeline, *seconds: tuple[float, float, bool], max_length: float = 0
) -> RenditionPlan:
    """Return the plan of a recording that shows these seconds, or their silence."""
    intervals = [
        Interval(
            from_us=ORIGIN_US + round(begin * 1e6),
            to_us=ORIGIN_US + round(end * 1e6),
            silent=silent,
        )
        for begin, end, silent in seconds
    ]
    return plan(of, [], RecordOptions(max_length_s=max_length), intervals)


def test_a_silent_pause_keeps_its_length() -> None:
    """What follows stays where it was; the silence was asked for and isn't inserted."""
    made = silently(timeline(record(0, 24_000)), (0, 1, False), (1, 2, True), (2, 3, False))

    assert [(0, 8000, 0), (16_000, 8000, 16_000)] == pieces(made)
    assert (24_000, 0.0) == (made.samples, made.quality.silence_inserted_ms)


def test_a_pause_that_nothing_follows_adds_nothing() -> None:
    """A call that ends in a silent pause ends where the pause began."""
    made = silently(timeline(record(0, 24_000)), (0, 1, False), (1, 3, True))

    assert 8000 == made.samples


def test_a_pause_does_not_use_up_max_length() -> None:
    """Recorded time counts, whether the pause is there as silence or not."""
    made = silently(
        timeline(record(0, 32_000)), (0, 1, False), (1, 2, True), (2, 4, False), max_length=1.5
    )

    assert [(0, 8000, 0), (16_000, 4000, 16_000)] == pieces(made)
    assert 20_000 == made.samples


def test_what_was_on_its_way_when_a_pause_began_is_told_as_that() -> None:
    """It is a gap, and the pause its reason: nothing was lost by us."""
    of = timeline(record(0, 8000), record(24_000, 8000))

    made = silently(of, (0, 1.1, False), (3, 4, False))

    assert [Gap(track=INBOUND, offset_ms=1000.0, duration_ms=100.0, reason=Reason.PAUSED)] == list(
        made.gaps
    )
    assert "" == made.quality.degraded
