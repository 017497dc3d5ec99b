"""A stream's own clock, from bare facts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from chalicelib.capture.clock import ClockedRun, Run, StreamClock, follow
from chalicelib.capture.events import Track
from chalicelib.capture.records import Record
from chalicelib.capture.timeline import Reason
from tests.capture.facts import OPENED_US, entry, head, record


def run(stored: Record) -> Run:
    """Return a whole record as a run."""
    return Run(entry(stored), 0, stored.first_sample, stored.samples)


def seconds(
    lateness_ms: Sequence[float], track: Track = Track.INBOUND, first: int = 0
) -> list[Run]:
    """Return a second's run for each lateness."""
    return [
        run(record((first + place) * 8000, late_ms=late_ms, track=track))
        for place, late_ms in enumerate(lateness_ms)
    ]


def clocked(*runs: list[Run]) -> StreamClock:
    """Return the clock of a stream with up to two tracks."""
    return follow(head(), dict(zip((Track.INBOUND, Track.OUTBOUND), runs, strict=False)))


def gaps_ms(runs: list[ClockedRun]) -> list[float]:
    """Return the silence that was opened before each run, in ms."""
    shifts = [0, *(placed.position - placed.run.first for placed in runs)]
    return [(after - before) / 8 for before, after in pairwise(shifts)]


def test_begins_at_the_least_lateness_of_two_seconds() -> None:
    """Position 0 is when the first sample was spoken, as the quickest early message tells."""
    clock = clocked(seconds([30, 20, 25, 1]), seconds([28, 22, 30, 4]))

    assert OPENED_US + 20_000 == clock.origin_us
    assert [0.0] * 4 == gaps_ms(clock.tracks[Track.INBOUND])


def test_a_step_that_lasts_is_a_gap() -> None:
    """A track that stays 300 ms later than it was has a hole of 300 ms."""
    clock = clocked(seconds([20] * 5 + [320] * 20))

    assert [0.0] * 5 + [300.0] + [0.0] * 19 == gaps_ms(clock.tracks[Track.INBOUND])


def test_a_step_that_goes_back_is_a_stall() -> None:
    """A lateness that some message within ten seconds contradicts opens nothing."""
    clock = clocked(seconds([20] * 5 + [320] * 8 + [20] * 10))

    assert [0.0] * 23 == gaps_ms(clock.tracks[Track.INBOUND])


def test_the_least_step_counts() -> None:
    """A hole behind a stall is as long as the quickest message after it says."""
    clock = clocked(seconds([20] * 5 + [820, 520, 320, *[325] * 20]))

    assert [0.0] * 5 + [300.0] + [0.0] * 22 == gaps_ms(clock.tracks[Track.INBOUND])


def test_a_gap_close_to_whole_frames_is_whole_frames() -> None:
    """A step of 297 ms between frames of 20 ms is 15 of them; one of 290 ms is what it is."""
    whole = clocked(seconds([20] * 5 + [317] * 20))
    other = clocked(seconds([20] * 5 + [310] * 20))

    assert 300.0 == max(gaps_ms(whole.tracks[Track.INBOUND]))
    assert 290.0 == max(gaps_ms(other.tracks[Track.INBOUND]))


def test_errors_of_gaps_dont_add_up() -> None:
    """Ten holes of 290 ms measure 2,900 ms together, each against the baseline."""
    lateness = [20.0 + 290 * (place // 12) for place in range(132)]
    clock = clocked(seconds(lateness))

    assert 2900.0 == sum(gaps_ms(clock.tracks[Track.INBOUND]))


def test_drift_opens_nothing() -> None:
    """A carrier whose clock is 200 ppm slow is never late."""
    clock = clocked(seconds([20 + second * 0.2 for second in range(3600)]))

    assert {0.0} == set(gaps_ms(clock.tracks[Track.INBOUND]))


def test_a_gap_is_measured_against_the_drifted_baseline() -> None:
    """After an hour at 50 ppm, a hole is as long as the step, not as the clocks' difference."""
    drift = [20 + second * 0.05 for second in range(3600)]
    clock = clocked(seconds([*drift[:3000], *(late + 500 for late in drift[3000:])]))

    assert 500.0 == max(gaps_ms(clock.tracks[Track.INBOUND]))
    assert 500.0 == sum(gaps_ms(clock.tracks[Track.INBOUND]))


def test_one_baseline_serves_all_tracks() -> None:
    """A track that comes late in a drifted stream is placed by the other's drift."""
    drift = [20 - second * 0.05 for second in range(3600)]
    late = [3_000_000 + 20 - (3000 + second) * 0.05 for second in range(600)]
    clock = clocked(seconds(drift), seconds(late, Track.OUTBOUND))

    assert 3000 * 8000 == clock.tracks[Track.OUTBOUND][0].position


def test_a_late_last_message_is_a_hiccup() -> None:
    """Near the end a step needs as much proof as is left: three frames 60 ms late are none."""
    few = run(record(40_000, 480, late_ms=80))
    many = run(record(40_000, 8000, late_ms=80))
    far = run(record(40_000, 480, late_ms=2020))

    assert [0.0] * 6 == gaps_ms(clocked([*seconds([20] * 5), few]).tracks[Track.INBOUND])
    assert [0.0] * 5 + [60.0] == gaps_ms(clocked([*seconds([20] * 5), many]).tracks[Track.INBOUND])
    assert [0.0] * 5 + [2000.0] == gaps_ms(clocked([*seconds([20] * 5), far]).tracks[Track.INBOUND])


def test_jitter_hides_what_is_smaller() -> None:
    """Where a second's quickest message is usually 40 ms late, a step of 50 ms proves nothing."""
    jittery = [20, 100, 100, 100] * 5
    clock = clocked(seconds([*jittery, *[70] * 20]))

    assert {0.0} == set(gaps_ms(clock.tracks[Track.INBOUND]))


def numbered(first_after: int, late_ms: float, step: int = 1) -> ClockedRun:
    """Return where the second run goes, after a run of 50 numbers from 1 on, `step` apart."""
    runs = [record(0, sequence=1)]
    for place in range(1, 20):
        number = first_after + (place - 1) * 50 * step
        runs.append(record(8000 * place, late_ms=late_ms, sequence=number))
    spread = [
        msgspec.structs.replace(one, last_sequence=(one.sequence or 0) + 49 * step) for one in runs
    ]
    return clocked([run(one) for one in spread]).tracks[Track.INBOUND][1]


def test_numbers_that_agree_are_exact() -> None:
    """A step of 130 ms where five messages are missing is 100 ms, and says so."""
    placed = numbered(56, late_ms=150)

    assert (8000 + 800, Reason.LOST_MESSAGES) == (placed.position, placed.reason)


def test_numbers_that_disagree_are_no_reason() -> None:
    """A hold is 5 s long though nothing is missing, or though one message is."""
    hold = numbered(51, late_ms=5020)
    other = numbered(52, late_ms=5020)

    assert (48_000, Reason.NOT_RECEIVED) == (hold.position, hold.reason)
    assert (48_000, Reason.NOT_RECEIVED) == (other.position, other.reason)


def test_numbers_of_the_whole_stream_confirm() -> None:
    """Where numbers count both tracks, the step tells how many of the missing were this track's."""
    placed = numbered(1 + 49 * 2 + 12, late_ms=120, step=2)

    assert (8000 + 800, Reason.LOST_MESSAGES) == (placed.position, placed.reason)


def test_a_run_without_messages_is_measured_plainly() -> None:
    """A record that counts no message tells no frame: its step stays as it is."""
    bare = msgspec.structs.replace(record(8000, late_ms=317), messages=0)
    clock = clocked([run(record(0)), run(bare), *seconds([317] * 20, first=2)])

    assert 8000 + 297 * 8 == clock.tracks[Track.INBOUND][1].position


def test_knots_tell_the_drift() -> None:
    """Every ten seconds or so, the carrier's clock is noted against ours."""
    clock = clocked(seconds([20 - second * 0.05 for second in range(100)]))

    assert 10 == len(clock.knots)
    wall_us, position_us = clock.knots[-1]
    passed_us = wall_us - clock.origin_us
    assert abs(passed_us * (1 + 50e-6) - position_us) < 150


def test_skew_is_what_tracks_usually_differ() -> None:
    """A track that stays 9 ms behind the other is aligned, and the 9 ms are told."""
    clock = clocked(seconds([20] * 60), seconds([29] * 60, Track.OUTBOUND))

    assert 9000 == clock.largest_skew_us
    assert {0.0} == set(gaps_ms(clock.tracks[Track.OUTBOUND]))
