"""What a recording shows, as commands change it."""

from __future__ import annotations

from chalicelib.recording.intervals import Behavior, begun, ended, paused, resumed, shown_us
from chalicelib.recording.model import Interval

FIRST_US, SECOND = 1_000_000_000, 1_000_000


def test_a_skipped_pause_is_a_hole() -> None:
    """What was open ends with the pause, and another interval begins with the resume."""

    shown = resumed(paused((Interval(),), 10, Behavior.SKIP), 20)

    assert (Interval(to_us=10), Interval(from_us=20)) == shown


def test_a_silent_pause_is_an_interval() -> None:
    """Of silence, as long as the pause."""

    shown = resumed(paused(begun(5), 10, Behavior.SILENCE), 20)

    assert (
        Interval(from_us=5, to_us=10),
        Interval(from_us=10, to_us=20, silent=True),
        Interval(from_us=20),
    ) == shown


def test_no_interval_is_an_open_one() -> None:
    """A recording that says nothing of itself shows its whole call."""

    assert (Interval(to_us=10),) == paused((), 10, Behavior.SKIP)


def test_what_ended_stays() -> None:
    """Only an open interval ends."""

    assert (Interval(to_us=3), Interval(from_us=5, to_us=9)) == ended(
        (Interval(to_us=3), Interval(from_us=5)), 9
    )


def test_pauses_do_not_count_as_shown() -> None:
    """Neither skipped nor silent ones; what is open isn't counted yet."""

    shown = (
        Interval(to_us=FIRST_US + 2 * SECOND),
        Interval(from_us=FIRST_US + 2 * SECOND, to_us=FIRST_US + 9 * SECOND, silent=True),
        Interval(from_us=FIRST_US + 9 * SECOND, to_us=FIRST_US + 10 * SECOND),
        Interval(from_us=FIRST_US + 20 * SECOND),
    )

    assert 3 * SECOND == shown_us(shown, FIRST_US)


def test_an_end_that_was_found_late_lies_behind_what_came_since() -> None:
    """A pause and a resume between a digit and its finding add nothing to what is shown."""

    shown = resumed(paused(begun(5), 30, Behavior.SILENCE), 40)

    assert (
        Interval(from_us=5, to_us=20),
        Interval(from_us=30, to_us=30, silent=True),
        Interval(from_us=40, to_us=40),
    ) == ended(shown, 20)
