"""The live side: messages in, records out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record
from chalicelib.capture.runs import MOST_RUNS, StreamCapture, TrackRun, bytes_per_sample
from tests.capture.carrier import BOTH, Carrier, hear
from tests.capture.facts import OPENED_US, head

FRAME = bytes(range(160))


def new_run(encoding: Encoding = Encoding.PCMU) -> TrackRun:
    """Return the inbound track of a new stream."""
    return StreamCapture(head()).track(Track.INBOUND, encoding)


def feed(run: TrackRun, lateness_ms: Sequence[float], sequences: Sequence[int | None] = ()) -> None:
    """Add frames of 20 ms, each so late."""
    numbers = sequences or [None] * len(lateness_ms)
    for place, (late_ms, number) in enumerate(zip(lateness_ms, numbers, strict=True)):
        at_us = OPENED_US + (place + 1) * 20_000 + round(late_ms * 1000)
        run.add(bytes([place]) * 160, at_us, number)


def test_joins_what_came_between_two_cuts() -> None:
    """Messages without a pause are one record that says what came first, when, and how late."""
    run = new_run()
    feed(run, [30, 22, 25], [7, 8, 9])

    assert [
        Record(
            stream_key="s1",
            track=Track.INBOUND,
            encoding=Encoding.PCMU,
            first_sample=0,
            samples=480,
            arrived_at_us=OPENED_US + 50_000,
            least_lateness_us=22_000,
            sequence=7,
            last_sequence=9,
            messages=3,
            payload=bytes([0]) * 160 + bytes([1]) * 160 + bytes([2]) * 160,
        )
    ] == run.cut()
    assert 480 == run.samples
    assert [] == run.cut()


def test_goes_on_counting_after_a_cut() -> None:
    """The next record begins where the last one ended; lateness is still against the opening."""
    run = new_run()
    run.add(FRAME, OPENED_US + 50_000)
    run.cut()
    run.add(FRAME, OPENED_US + 72_000)

    (record,) = run.cut()

    assert (160, 160, 32_000) == (record.first_sample, record.samples, record.least_lateness_us)


def test_two_bytes_are_a_sample_of_l16() -> None:
    """Samples, positions and lateness go by the encoding, also when it was learned late."""
    run = new_run()
    run.encoding = Encoding.L16
    run.add(bytes(640), OPENED_US + 40_000)
    run.add(bytes(640), OPENED_US + 80_000)

    (record,) = run.cut()

    assert (Encoding.L16, 640, 0) == (record.encoding, record.samples, record.least_lateness_us)
    assert [1, 1, 2] == [bytes_per_sample(encoding) for encoding in Encoding]


def test_a_pause_begins_another_record() -> None:
    """A message 15 ms later than its run starts one, at exactly that sample."""
    run = new_run()
    feed(run, [20, 20, 34.9, 35, 35, 100])

    assert [(0, 480), (480, 320), (800, 160)] == [(r.first_sample, r.samples) for r in run.cut()]
    assert 1 == run.late


def test_a_pause_is_seen_across_a_cut() -> None:
    """What was usual before the cut still is: jitter at its beginning hides no hole."""
    run = new_run()
    feed(run, [20])
    run.cut()
    run.add(FRAME, OPENED_US + 40_000 + 30_000)
    run.add(FRAME, OPENED_US + 60_000 + 40_000)

    assert [160, 320] == [record.first_sample for record in run.cut()]


def test_a_pause_at_a_cut_is_a_beginning() -> None:
    """A hole between two cuts makes no empty record, and what follows isn't late against it."""
    run = new_run()
    feed(run, [20])
    run.cut()
    run.add(FRAME, OPENED_US + 40_000 + 5_000_000)
    run.add(FRAME, OPENED_US + 60_000 + 5_000_000)

    assert [(160, 320)] == [(record.first_sample, record.samples) for record in run.cut()]
    assert 1 == run.late


def test_a_burst_after_a_stall_is_one_record() -> None:
    """What a stall held back comes at once: lateness falls, nothing pauses."""
    run = new_run()
    feed(run, [20] * 5 + [100, 80, 60, 40, 20, 20])

    assert [(0, 20_000), (800, 20_000)] == [
        (record.first_sample, record.least_lateness_us) for record in run.cut()
    ]


def test_jitter_makes_few_records() -> None:
    """Where every other message pauses, only longer pauses count after a while."""
    run = new_run()
    counts = []
    for second in range(8):
        for place in range(50):
            at_us = OPENED_US + (second * 50 + place + 1) * 20_000
            run.add(FRAME, at_us + (40_000 if place % 2 else 20_000))
        counts.append(len(run.cut()))

    assert counts[0] > 4 * MOST_RUNS
    assert max(counts[2:5]) <= MOST_RUNS


def test_counts_what_numbers_say() -> None:
    """Lost messages are the numbers nobody sent, for a carrier that counts each track."""
    stream = StreamCapture(head())
    feed(stream.track(Track.INBOUND, Encoding.PCMU), [20] * 4, [1, 2, 5, 6])
    feed(stream.track(Track.OUTBOUND, Encoding.PCMU), [20] * 3, [1, 2, 3])
    stream.cut()

    counts = stream.head()

    assert (7, 2, 0, 0) == (
        counts.messages_received,
        counts.messages_lost,
        counts.messages_reordered,
        counts.messages_duplicated,
    )


@pytest.mark.parametrize("numbering", ["track", "stream"])
def test_infers_what_the_carrier_counts(numbering: str) -> None:
    """Whether numbers are each track's or the stream's, 50 missing messages are 50."""
    carrier = Carrier(seconds=20, numbering=numbering, losses={Track.INBOUND: ((5, 6),)})

    assert 50 == hear(carrier).head.messages_lost


def test_without_numbers_nothing_is_known_to_be_lost() -> None:
    """A dialect that counts nothing has no losses to tell."""
    run = new_run()
    feed(run, [20, 20])
    run.cut()

    assert None is run.span()
    assert 0 == hear(Carrier(seconds=3, holes={Track.INBOUND: ((1, 2),)})).head.messages_lost


def test_a_copy_is_left_out() -> None:
    """A message that comes twice in a row, number and bytes, sounds once."""
    run = new_run()
    for number, mark in [(1, b"a"), (2, b"b"), (2, b"b"), (3, b"c")]:
        run.add(mark * 160, OPENED_US, number)

    assert b"a" * 160 + b"b" * 160 + b"c" * 160 == b"".join(r.payload for r in run.cut())
    assert (1, 0, 4) == (run.duplicated, run.reordered, run.received)


def test_a_copy_after_a_cut_is_left_out_too() -> None:
    """What is known of the last message outlives the cut; a cut of copies only is empty."""
    run = new_run()
    run.add(b"a" * 160, OPENED_US, 1)
    run.add(b"b" * 160, OPENED_US, 2)
    run.cut()
    run.add(b"b" * 160, OPENED_US, 2)

    assert [] == run.cut()
    assert 1 == run.duplicated


def test_a_carrier_that_counts_nothing_loses_nothing() -> None:
    """The same number for ever, even over equal bytes, is no copy: silence is equal, too."""
    run = new_run()
    feed(run, [20] * 3, [1, 1, 1])
    for _ in range(3):
        run.add(bytes(160), OPENED_US + 80_000, 1)

    assert 6 * 160 == sum(record.samples for record in run.cut())
    assert 0 == run.duplicated


def test_numbers_that_go_back_are_reordered_and_kept() -> None:
    """Arrival is the order; a lower number, or other bytes under the same, is only counted."""
    run = new_run()
    feed(run, [20] * 5, [1, 3, 2, 4, 4])

    assert 5 * 160 == sum(record.samples for record in run.cut())
    assert (1, 0) == (run.reordered, run.duplicated)


def test_messages_without_a_number_among_numbered_ones_are_kept() -> None:
    """A number that is missing now and then costs nothing."""
    stream = StreamCapture(head())
    run = stream.track(Track.INBOUND, Encoding.PCMU)
    feed(run, [20] * 4, [1, None, 2, 3])
    (first,) = run.cut()
    feed(run, [100] * 2, [None, 5])
    (second,) = run.cut()

    assert (4, 2) == (first.messages, second.messages)
    assert (1, 5) == run.span()
    assert 1 == stream.head().messages_lost


def test_a_stream_has_each_track_once() -> None:
    """Asking for a track again gives the same run."""
    stream = StreamCapture(head())

    assert stream.track(Track.MIXED, Encoding.PCMA) is stream.track(Track.MIXED, Encoding.PCMU)
    assert [Track.MIXED] == list(stream.tracks)


def test_the_head_tells_refused_messages() -> None:
    """What the shell refused is in the counts."""
    stream = StreamCapture(head())
    stream.refused = 3

    assert 3 == stream.head().messages_refused


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    cut_every_ms=st.integers(20, 1500),
    jitter_ms=st.floats(0, 200),
)
def test_nothing_is_lost_or_doubled_between_cuts(
    seed: int, cut_every_ms: int, jitter_ms: float
) -> None:
    """However it is cut, a track's records join to exactly what was added, in order."""
    heard = hear(
        Carrier(seconds=4, seed=seed, jitter_ms=jitter_ms, stalls=((1, 2),)), cut_every_ms * 1000
    )

    for track in BOTH:
        records = [record for record in heard.records if record.track is track]
        assert all(a.first_sample + a.samples == b.first_sample for a, b in pairwise(records))
        frames = [m.frame for m in heard.messages if m.track is track]
        payload = b"".join(record.payload for record in records)
        assert frames == [
            int.from_bytes(payload[at + 1 : at + 4], "big") for at in range(0, len(payload), 160)
        ]


class TestPassingOver:
    """What comes while nobody records is counted, and nothing of it kept."""

    def test_what_follows_has_its_exact_place(self) -> None:
        """Samples and numbers count on."""

        capture = StreamCapture(head())
        run = capture.track(Track.INBOUND, Encoding.PCMU)
        run.add(b"a" * 160, OPENED_US + 20_000, 1)
        kept = capture.cut()
        run.pass_over(160, 2)
        run.pass_over(160, 2)  # a copy
        run.pass_over(160, 3)
        run.add(b"b" * 160, OPENED_US + 80_000, 4)
        (after,) = capture.cut()

        assert (160, 480) == (kept[0].samples, after.first_sample)
        told = capture.head()
        assert (5, 0, 1) == (
            told.messages_received,
            told.messages_lost,
            told.messages_duplicated,
        )

    def test_numbers_are_not_needed(self) -> None:
        """A carrier that counts nothing is counted by its samples."""

        capture = StreamCapture(head())
        run = capture.track(Track.INBOUND, Encoding.L16)
        run.pass_over(320)
        run.add(b"ab" * 160, OPENED_US + 40_000)
        (after,) = capture.cut()

        assert 160 == after.first_sample
