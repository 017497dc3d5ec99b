"""When segments are due."""

from __future__ import annotations

from collections import Counter

from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.storage.segment_schedule import SegmentSchedule

LIMITS = Limits(journal_every_s=1.0, segment_every_s=60.0)


def minutes_of(calls: int, began_s: float = 0.0) -> SegmentSchedule:
    """Return the minutes of calls that began at once."""
    minutes = SegmentSchedule(LIMITS)
    for call in range(calls):
        minutes.begin(f"c-{call}", began_s)
    return minutes


def test_a_call_has_a_segment_a_minute_and_does_not_drift() -> None:
    """A beat that is a little late moves nothing."""
    minutes = minutes_of(1)

    due_s = [now for now in range(1, 601) if minutes.due(now + 0.3)]

    assert list(range(60, 601, 60)) == due_s


def test_calls_that_began_at_once_do_not_end_their_minutes_at_once() -> None:
    """Twice as many as usual in a beat; from then on they are apart, and none is forgotten."""
    minutes = minutes_of(240)

    beats = [minutes.due(now + 0.5) for now in range(1, 301)]

    assert 9 == max(map(len, beats))
    assert [0] * 59 == [len(beat) for beat in beats[:59]]
    counts = Counter(key for beat in beats for key in beat)
    assert 240 == len(counts)
    assert set(counts.values()) <= {4, 5}


def test_a_loop_that_stood_still_owes_one_segment_not_several() -> None:
    """After five minutes without a beat each call gets one segment, then a minute's rest."""
    minutes = minutes_of(1)

    assert [1, 0, 1] == [len(minutes.due(now)) for now in (300.0, 330.0, 359.5)]


def test_a_call_that_is_over_is_never_due() -> None:
    """What is forgotten doesn't come back."""
    minutes = minutes_of(2)
    minutes.forget("c-0")

    assert ["c-1"] == minutes.due(61.0)
