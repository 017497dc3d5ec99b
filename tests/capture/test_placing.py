"""A call's timeline, from bare facts: joins, doubles, supersession, holes."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record
from chalicelib.capture.timeline import Reason, Timeline
from tests.capture.carrier import BOTH, Carrier, hear, placed
from tests.capture.facts import OPENED_US, entry, head, record, silent

SECOND_US = 1_000_000


def timeline(*records: Record) -> Timeline:
    """Return the timeline of streams s1, s2, s3 that were all opened at once."""
    return place([head("s1"), head("s2"), head("s3")], [entry(one) for one in records])


def spans(of: Timeline, track: Track = Track.INBOUND) -> list[tuple[str, int, int]]:
    """Return each placement's stream, position and end."""
    return [
        (p.stored.record.stream_key, p.position, p.position + p.samples) for p in of.tracks[track]
    ]


def holes(of: Timeline) -> list[tuple[Track, int, int, str]]:
    """Return the timeline's holes as tuples."""
    return [(hole.track, hole.position, hole.samples, hole.reason) for hole in of.holes]


def stream(key: str, begins_s: float, seconds: int, track: Track = Track.INBOUND) -> list[Record]:
    """Return the records of a stream that sent its first sample so late after it was opened."""
    return [
        record(8000 * place_, stream_key=key, track=track, late_ms=20 + begins_s * 1000)
        for place_ in range(seconds)
    ]


def test_nothing_stored_is_an_empty_timeline() -> None:
    """Without a record there are no tracks and no samples."""
    empty = place([head()], [])

    assert (0, {}, ()) == (empty.samples, empty.tracks, empty.holes)


def test_empty_messages_have_no_place() -> None:
    """A track, or a stream, of nothing but empty messages is none, and costs the others nothing."""
    heard = timeline(
        record(0),
        record(0, stream_key="s1", track=Track.OUTBOUND, samples=0),
        record(0, stream_key="s2", samples=0),
    )

    assert [("s1", 0, 8000)] == spans(heard)
    assert [Track.INBOUND] == list(heard.tracks)
    assert 0 == timeline(record(0, samples=0)).samples


def test_a_record_without_payload_is_a_hole_that_is_told() -> None:
    """Between others, at a track's end, or alone on a track: received, and not stored."""
    heard = timeline(
        record(0),
        silent(record(8000)),
        silent(record(16_000)),
        record(24_000),
        silent(record(32_000)),
        silent(record(0, 40_000, track=Track.OUTBOUND)),
    )

    assert [("s1", 0, 8000), ("s1", 24_000, 32_000)] == spans(heard)
    assert [] == spans(heard, Track.OUTBOUND)
    assert 40_000 == heard.samples
    assert [
        (Track.INBOUND, 8000, 16_000, Reason.NOT_STORED),
        (Track.INBOUND, 32_000, 8000, Reason.NOT_STORED),
        (Track.OUTBOUND, 0, 40_000, Reason.NOT_STORED),
    ] == holes(heard)


def test_a_record_without_payload_takes_nothing_from_those_that_have_one() -> None:
    """It stands for what no other copy gives, wherever it begins and ends."""
    heard = timeline(
        silent(record(0, 40_000)),
        silent(record(8000)),
        record(8000),
        record(16_000, 4000),
        record(32_000),
    )

    assert [("s1", 8000, 16_000), ("s1", 16_000, 20_000), ("s1", 32_000, 40_000)] == spans(heard)
    assert [(0, 8000), (20_000, 12_000)] == [(h.position, h.samples) for h in heard.holes]


def test_what_was_lost_in_a_row_is_one_hole() -> None:
    """Whether its facts are stored or not; what another stream ends begins another hole."""
    late = stream("s2", 6.0, 1)
    heard = timeline(record(0), silent(record(8000)), silent(record(24_000)), *late)

    assert [
        (Track.INBOUND, 8000, 24_000, Reason.NOT_STORED),
        (Track.INBOUND, 32_000, 16_000, Reason.RECONNECT),
    ] == holes(heard)


def test_joins_a_streams_records() -> None:
    """Contiguous records sound one after the other, from the first sample's instant on."""
    joined = timeline(record(0), record(8000, 4000))

    assert [("s1", 0, 8000), ("s1", 8000, 12000)] == spans(joined)
    assert (12000, 8000, OPENED_US + 20_000) == (joined.samples, joined.rate_hz, joined.origin_us)
    assert () == joined.holes


def test_a_record_read_twice_sounds_once() -> None:
    """The same record from the journal and from a segment, in any order, is one."""
    one, two = record(0), record(8000)
    twice = place(
        [head()], [entry(two, "segments/b"), entry(one), entry(two), entry(one, "journal/1")]
    )

    assert [("s1", 0, 8000), ("s1", 8000, 16000)] == spans(twice)


def test_overlapping_records_give_each_sample_once() -> None:
    """Of a record that begins in another, only the rest sounds; of one within another nothing."""
    cut = timeline(record(0, 8000), record(4000, 8000), record(8000, 2000), record(6000, 160))

    assert [("s1", 0, 8000), ("s1", 8000, 12000)] == spans(cut)
    assert [0, 4000] == [placement.skip for placement in cut.tracks[Track.INBOUND]]


def test_a_record_without_samples_is_nothing() -> None:
    """An empty payload takes no place."""
    assert [("s1", 0, 8000)] == spans(timeline(record(0), record(8000, 0)))


def test_missing_records_are_a_hole_of_their_own_length() -> None:
    """Where a journal object is missing, the samples it held are silence, exactly."""
    torn = timeline(record(0), record(24_000), *[record(32_000 + 8000 * n) for n in range(20)])

    assert [(Track.INBOUND, 8000, 16_000, Reason.NOT_STORED)] == holes(torn)


def test_a_missing_beginning_is_a_hole() -> None:
    """The clock begins with the stream, also where its first object is missing."""
    torn = timeline(
        record(8000), record(0, track=Track.OUTBOUND), record(8000, track=Track.OUTBOUND)
    )

    assert (Track.INBOUND, 0, 8000, Reason.LATE_TRACK) == holes(torn)[0]


def test_a_track_that_ends_early_is_silent_to_the_end() -> None:
    """What the other track has more is told as a hole of this one; less than 40 ms isn't."""
    short = timeline(record(0), record(0, 8320, track=Track.OUTBOUND))
    shorter = timeline(record(0), record(0, 8319, track=Track.OUTBOUND))

    assert [(Track.INBOUND, 8000, 320, Reason.ENDED_EARLY)] == holes(short)
    assert [] == holes(shorter)


def test_a_reconnect_goes_on_where_the_wall_clock_says() -> None:
    """A second stream of a track is as far behind the first as its first sample was."""
    joined = timeline(*stream("s1", 0, 3), *stream("s2", 10, 2))

    assert [("s2", 80_000, 88_000), ("s2", 88_000, 96_000)] == spans(joined)[3:]
    assert [(Track.INBOUND, 24_000, 56_000, Reason.RECONNECT)] == holes(joined)
    assert 1 == joined.reconnects


def test_the_newer_stream_wins_from_its_first_sample() -> None:
    """While two streams of a track live, the newer one's samples sound, and its holes are holes."""
    newer = [record(0, stream_key="s2", late_ms=2020)]
    newer += [record(8000 * n, stream_key="s2", late_ms=3020) for n in range(1, 15)]
    joined = timeline(*stream("s1", 0, 40), *newer)

    assert [("s1", 0, 8000), ("s1", 8000, 16_000), ("s2", 16_000, 24_000)] == spans(joined)[:3]
    assert ("s2", 32_000, 40_000) == spans(joined)[3]
    assert [(Track.INBOUND, 24_000, 8000, Reason.NOT_RECEIVED)] == holes(joined)


def test_the_older_stream_sounds_again_after_the_newer_ended() -> None:
    """A second connection that was short costs nothing of what the first still sent."""
    joined = timeline(*stream("s1", 0, 5), *stream("s2", 1.5, 2))

    assert [
        ("s1", 0, 8000),
        ("s1", 8000, 12_000),
        ("s2", 12_000, 20_000),
        ("s2", 20_000, 28_000),
        ("s1", 28_000, 32_000),
        ("s1", 32_000, 40_000),
    ] == spans(joined)
    assert 4000 == joined.tracks[Track.INBOUND][4].skip
    assert [] == holes(joined)


def test_a_short_newer_stream_within_one_record_splits_it() -> None:
    """The older record sounds before and after."""
    joined = timeline(record(0, 80_000), record(0, 8000, stream_key="s2", late_ms=2020))

    assert [("s1", 0, 16_000), ("s2", 16_000, 24_000), ("s1", 24_000, 80_000)] == spans(joined)
    assert [0, 0, 24_000] == [placement.skip for placement in joined.tracks[Track.INBOUND]]


def test_three_streams_of_a_track_each_win_over_the_older() -> None:
    """The newest of all claims first."""
    joined = timeline(*stream("s1", 0, 9), *stream("s2", 2, 5), *stream("s3", 4, 1))

    assert ["s1", "s1", "s2", "s2", "s3", "s2", "s2", "s1", "s1"] == [
        s for s, _, _ in spans(joined)
    ]
    assert 2 == joined.reconnects


def test_two_taps_that_begin_together_keep_their_offset() -> None:
    """30 ms between two streams' first samples are no gap, and stay 30 ms on the clock."""
    joined = timeline(*stream("s1", 0, 3), *stream("s2", 0.03, 3, Track.OUTBOUND))

    assert ("s2", 240, 8240) == spans(joined, Track.OUTBOUND)[0]
    assert ([], 0) == (holes(joined), joined.reconnects)


def test_streams_of_different_openings_join_by_wall_time() -> None:
    """Each stream's lateness counts from its own opening."""
    joined = place(
        [head("s1"), head("s2", opened_at_us=OPENED_US + 5 * SECOND_US)],
        [
            entry(record(0)),
            entry(
                record(
                    0,
                    stream_key="s2",
                    track=Track.OUTBOUND,
                    opened_at_us=OPENED_US + 5 * SECOND_US,
                )
            ),
        ],
    )

    assert [("s2", 40_000, 48_000)] == spans(joined, Track.OUTBOUND)


def test_an_encoding_can_be_corrected() -> None:
    """What the webhook says of a stream counts, where it takes as many bytes per sample."""
    corrected = place([head()], [entry(record(0))], {"s1": Encoding.PCMA})
    impossible = place([head()], [entry(record(0))], {"s1": Encoding.L16})

    assert Encoding.PCMA == corrected.tracks[Track.INBOUND][0].encoding
    assert Encoding.PCMU == impossible.tracks[Track.INBOUND][0].encoding


def test_a_stream_of_another_rate_is_left_out_and_told() -> None:
    """The first stream's rate is the timeline's."""
    joined = place(
        [head("s1"), head("s2", rate_hz=16_000)],
        [entry(record(0)), entry(record(0, stream_key="s2", late_ms=100, track=Track.OUTBOUND))],
    )

    assert (("s2",), {Track.INBOUND}) == (joined.left_out, set(joined.tracks))


def test_knows_positions_of_the_wall_clock_over_all_streams() -> None:
    """A carrier 50 ppm fast is 90 ms ahead after half an hour, and its next stream with it."""
    first = hear(Carrier(seconds=1800, frame_ms=60, clock_ppm=50))
    second = hear(Carrier(seconds=300, begins=1900, frame_ms=60, clock_ppm=50, stream_key="s2"))
    joined = placed(first, second)

    for wall_s, position_s in [(0, 0), (1799, 1799 * (1 + 50e-6)), (2100, 2100 * (1 + 50e-6))]:
        position = joined.position_at(joined.origin_us + wall_s * SECOND_US) / 8000
        assert abs(position - position_s) < 0.01


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    jitter_ms=st.floats(0, 80),
    hole=st.tuples(st.floats(0, 18), st.floats(0, 4)),
    stall=st.tuples(st.floats(0, 18), st.floats(0, 4)),
    again=st.none() | st.floats(1, 19),
    missing=st.sets(st.integers(0, 200), max_size=20),
)
def test_whatever_arrives_every_sample_has_one_place(
    seed: int,
    jitter_ms: float,
    hole: tuple[float, float],
    stall: tuple[float, float],
    again: float | None,
    missing: set[int],
) -> None:
    """Placements of a track are in order, don't overlap, and give each stored sample once unless
    a newer stream has its place."""
    carriers = [
        Carrier(
            seconds=20,
            seed=seed,
            jitter_ms=jitter_ms,
            holes={Track.INBOUND: ((hole[0], sum(hole)),)},
            stalls=((stall[0], sum(stall)),),
        )
    ]
    if again is not None:
        carriers.append(Carrier(seconds=5, begins=again, seed=seed + 1, stream_key="s2"))
    heard = [hear(carrier) for carrier in carriers]
    stored = [e for one in heard for n, e in enumerate(one.stored()) if n not in missing]
    of = place([one.head for one in heard], stored + stored[::3])

    for track in BOTH:
        placements = of.tracks.get(track, ())
        assert all(a.position + a.samples <= b.position for a, b in pairwise(placements))
        assert all(p.position >= 0 and p.samples > 0 and p.skip >= 0 for p in placements)
        assert all(p.skip + p.samples <= p.stored.record.samples for p in placements)
        newest = max((e.record.stream_key for e in stored if e.record.track is track), default="")
        expected = sum(
            e.record.samples
            for e in stored
            if e.record.track is track and e.record.stream_key == newest
        )
        assert expected == sum(
            p.samples for p in placements if p.stored.record.stream_key == newest
        )
    assert of == place([one.head for one in reversed(heard)], stored[::-1] + stored[::3])


def test_twelve_hours_take_little_time() -> None:
    """86,400 records of two tracks are placed while nobody waits for it."""
    template = record(0)
    stored = [
        entry(
            msgspec.structs.replace(
                template,
                track=track,
                first_sample=8000 * second,
                arrived_at_us=OPENED_US + second * SECOND_US,
            )
        )
        for second in range(43_200)
        for track in BOTH
    ]

    assert 43_200 * 8000 == place([head()], stored).samples
