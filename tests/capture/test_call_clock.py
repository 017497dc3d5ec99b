"""The proof on synthetic time: whatever a network does, tracks stay within 20 ms of the truth."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from chalicelib.capture.events import Track
from chalicelib.capture.timeline import Reason, Timeline
from tests.capture.carrier import BOTH, Carrier, Heard, errors_ms, hear, placed

I, O = BOTH  # noqa: E741 - one letter each, beside 20 numbers


def heard_within(limit_ms: float, *carriers: Carrier) -> Timeline:
    """Return the timeline of a call whose frames are all that near to the truth."""
    streams: list[Heard] = [hear(carrier) for carrier in carriers]
    timeline = placed(*streams)
    for least, greatest in errors_ms(timeline, *streams).values():
        assert -limit_ms <= least <= greatest <= limit_ms
    return timeline


def holes(of: Timeline) -> list[tuple[Track, float, float, str]]:
    """Return the holes with their beginning and length in tenths of seconds."""
    return [
        (hole.track, round(hole.position / 8000, 1), round(hole.samples / 8000, 1), hole.reason)
        for hole in of.holes
    ]


@pytest.mark.parametrize(("hours", "clock_ppm"), [(4, -50), (12, 50)])
def test_hours_of_a_carrier_whose_clock_is_wrong(hours: float, clock_ppm: float) -> None:
    """Drift, jitter, stalls and holes in one track: aligned to the end of the longest stream, no
    false gap."""
    timeline = heard_within(
        20,
        Carrier(
            seconds=hours * 3600,
            frame_ms=100,
            clock_ppm=clock_ppm,
            jitter_ms=30,
            holes={I: ((600, 605), (7200, 7900), (14_000, 14_000.4))},
            stalls=((300, 303), (10_000, 10_001.5)),
        ),
    )

    assert [
        (I, 600.0, 5.0, Reason.NOT_RECEIVED),
        (I, 7200.0, 700.0, Reason.NOT_RECEIVED),
        (I, 14_000.0, 0.4, Reason.NOT_RECEIVED),
    ] == holes(timeline)


@pytest.mark.parametrize("numbering", ["", "track", "stream"])
def test_frames_missing_for_five_seconds(numbering: str) -> None:
    """Where numbers tell of lost messages, the hole says so; its length is exact either way."""
    reason = Reason.LOST_MESSAGES if numbering else Reason.NOT_RECEIVED
    timeline = heard_within(
        0, Carrier(seconds=60, jitter_ms=15, numbering=numbering, losses={O: ((20, 25),)})
    )

    assert [(O, 20.0, 5.0, reason)] == holes(timeline)


def test_a_carrier_that_sends_nothing_for_a_while() -> None:
    """Both tracks silent, not alike: numbers go on, and the holes are no losses."""
    timeline = heard_within(
        1,
        Carrier(
            seconds=120, jitter_ms=15, numbering="stream", holes={I: ((20, 50),), O: ((22, 53.5),)}
        ),
    )

    assert [
        (I, 20.0, 30.0, Reason.NOT_RECEIVED),
        (O, 22.0, 31.5, Reason.NOT_RECEIVED),
    ] == holes(timeline)


@pytest.mark.parametrize("jitter_ms", [0, 15, 60, 100])
def test_a_stall_and_its_burst(jitter_ms: float) -> None:
    """Three seconds that the network delivers late are no gap, and move nothing."""
    timeline = heard_within(0, Carrier(seconds=60, jitter_ms=jitter_ms, stalls=((20, 23),)))

    assert [] == holes(timeline)


def test_a_stall_right_after_a_hole() -> None:
    """The hole has its own length, the stall none."""
    timeline = heard_within(
        0, Carrier(seconds=60, jitter_ms=5, holes={I: ((20, 24),)}, stalls=((24.5, 27.5),))
    )

    assert [(I, 20.0, 4.0, Reason.NOT_RECEIVED)] == holes(timeline)


def test_a_second_track_two_seconds_late() -> None:
    """It is silent until then; nothing of the other side is lost."""
    timeline = heard_within(0, Carrier(seconds=30, jitter_ms=15, starts={O: 2.0}))

    assert [(O, 0.0, 2.0, Reason.LATE_TRACK)] == holes(timeline)


def test_a_second_track_never() -> None:
    """The other is all there is."""
    timeline = heard_within(0, Carrier(seconds=30, jitter_ms=15, tracks=(I,)))

    assert ([I], []) == (list(timeline.tracks), holes(timeline))


def test_single_lost_frames_have_their_silence_in_their_place() -> None:
    """20 ms are no gap to tell, but a track that lost a hundred frames is aligned all the same."""
    losses = tuple((second + 0.3, second + 0.32) for second in range(10, 210, 2))
    timeline = heard_within(0, Carrier(seconds=240, jitter_ms=10, losses={I: losses}))

    assert [] == holes(timeline)


def test_a_socket_dropped_and_reconnected() -> None:
    """The second stream goes on where the wall clock says, drift and all."""
    timeline = heard_within(
        20,
        Carrier(seconds=3600, frame_ms=60, jitter_ms=15, clock_ppm=50),
        Carrier(
            seconds=60,
            begins=3603.9,
            frame_ms=60,
            jitter_ms=15,
            clock_ppm=50,
            stream_key="s2",
            seed=2,
        ),
    )

    assert [(I, 3600.0, 3.9, Reason.RECONNECT), (O, 3600.0, 3.9, Reason.RECONNECT)] == holes(
        timeline
    )


def test_two_taps_on_two_workers() -> None:
    """Speak and listen, each with its own socket, latency and worker's clock: one call."""
    timeline = heard_within(
        20,
        Carrier(seconds=7200, frame_ms=60, tracks=(I,), jitter_ms=15, clock_ppm=-50),
        Carrier(
            seconds=7199.88,
            begins=0.12,
            frame_ms=60,
            tracks=(O,),
            jitter_ms=15,
            clock_ppm=-50,
            latency_ms=38,
            wall_offset_us=4000,
            holes={O: ((3600, 3605),)},
            stream_key="s2",
            seed=2,
        ),
    )

    assert [
        (O, 0.0, 0.1, Reason.LATE_TRACK),
        (O, 3600.0, 5.0, Reason.NOT_RECEIVED),
    ] == holes(timeline)


def test_a_worker_that_died() -> None:
    """Records end anywhere, and four journal objects are missing: the rest is in its place."""
    heard = hear(Carrier(seconds=60.5, jitter_ms=15))
    gone = {
        record.first_sample for record in heard.records if 20 <= record.first_sample / 8000 < 24
    }
    kept = [record for record in heard.records if record.first_sample not in gone][:-1]
    timeline = placed(Heard(messages=heard.messages, head=heard.head, records=kept))

    assert {Reason.NOT_STORED, Reason.ENDED_EARLY} == {hole.reason for hole in timeline.holes}
    survivors = Heard(messages=heard.messages, head=heard.head, records=kept)
    assert {(0.0, 0.0)} == set(errors_ms(timeline, survivors).values())


@pytest.mark.parametrize("speed", [2, 10])
def test_a_rehearsal_faster_than_real_time(speed: int) -> None:
    """A carrier that plays too fast has no gaps: its clock is merely wrong."""
    assert [] == holes(heard_within(0, Carrier(seconds=120, clock_ppm=(speed - 1) * 1e6)))


@pytest.mark.parametrize("seed", range(12))
def test_every_hole_is_told(seed: int) -> None:
    """Holes of 40 ms to 8 s anywhere in both tracks: each is told to 20 ms, and nothing else is."""
    dice = random.Random(seed)
    carrier = Carrier(
        seconds=115,
        jitter_ms=dice.choice([0, 5, 15]),
        clock_ppm=dice.choice([-150, 0, 50]),
        numbering=dice.choice(["", "track", "stream"]),
        holes={track: _some_holes(dice) for track in BOTH},
        stalls=((104, 106.5),),
        seed=seed,
    )
    heard = hear(carrier)
    timeline = placed(heard)

    assert all(-20 <= least <= most <= 20 for least, most in errors_ms(timeline, heard).values())
    for track in BOTH:
        frames = [message.frame for message in heard.messages if message.track is track]
        told = [hole for hole in timeline.holes if hole.track is track]
        expected = [(a + 1, b - a - 1) for a, b in pairwise(frames) if b - a > 2]
        assert len(expected) == len(told)
        for (begin, length), hole in zip(expected, told, strict=True):
            assert abs(hole.position - begin * 160) <= 160
            assert abs(hole.samples - length * 160) <= 160


def _some_holes(dice: random.Random) -> tuple[tuple[float, float], ...]:
    found = []
    at = dice.uniform(1, 5)
    while at < 90:
        length = dice.choice([0.04, 0.06, 0.1, 0.3, 1, 3, 8])
        found.append((round(at, 2), round(at + length, 2)))
        at += length + dice.uniform(1, 12)
    return tuple(found)


def test_a_hole_behind_a_stall_begins_where_the_burst_ends() -> None:
    """A burst shows only at its end how late it was, and a hole right behind it hides even that."""
    timeline = heard_within(
        0, Carrier(seconds=60, holes={I: ((21, 24),)}, stalls=((20, 22),), jitter_ms=5)
    )

    assert [(I, 21.0, 3.0, Reason.NOT_RECEIVED)] == holes(timeline)
