"""What ends a recording by itself, in numbers."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.recording.detection.end_rules import (
    EndDecision,
    EndRules,
    asks_for_digits,
    asks_for_voices,
)
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import RecordOptions

SECOND = 1_000_000


def watch(*, has_spoken: bool = False, **options: Any) -> EndRules:
    """Return a watch that listens from second 10 on."""
    made = EndRules("r", RecordOptions(**options), has_spoken=has_spoken)
    made.listen(10 * SECOND)
    return made


def over(cause: Cause, at_s: float, digit: str = "") -> EndDecision:
    """Return a verdict."""
    return EndDecision(recording_id="r", cause=cause, at_us=round(at_s * SECOND), digit=digit)


@pytest.mark.parametrize(("judged_s", "is_over"), [(14.9, False), (15, True), (99, True)])
def test_nobody_speaks(judged_s: float, is_over: bool) -> None:
    """The recording ends when the time was over, however late that is decided."""

    told = watch(initial_timeout_s=5).decide(round(judged_s * SECOND), None)

    assert (over(Cause.INITIAL_TIMEOUT, 15) if is_over else None) == told


def test_speech_in_time_ends_the_wait() -> None:
    """After the first speech the initial timeout no longer applies."""

    waiting = watch(initial_timeout_s=5)

    assert waiting.decide(14 * SECOND, 13 * SECOND) is None
    assert waiting.decide(99 * SECOND, 13 * SECOND) is None


def test_speech_before_the_recording_is_none_of_its_own() -> None:
    """Who stopped speaking before it began doesn't count."""

    assert over(Cause.INITIAL_TIMEOUT, 15) == watch(initial_timeout_s=5).decide(
        15 * SECOND, 9 * SECOND
    )


def test_silence_ends_what_somebody_said() -> None:
    """The end lies one timeout behind the last speech: the silence is kept."""

    talking = watch(end_silence_timeout_s=2)

    assert talking.decide(12 * SECOND, 12 * SECOND) is None
    assert talking.decide(14 * SECOND, round(12.5 * SECOND)) is None
    assert over(Cause.END_SILENCE, 14.5) == talking.decide(15 * SECOND, round(12.5 * SECOND))


def test_silence_before_the_first_word_is_the_initial_timeouts() -> None:
    """Relay's defaults, 4 s and 0.5 s, don't end a recording after half a second."""

    both = watch(initial_timeout_s=4, end_silence_timeout_s=0.5)

    assert both.decide(13 * SECOND, None) is None
    assert over(Cause.INITIAL_TIMEOUT, 14) == both.decide(14 * SECOND, None)


def test_without_timeouts_nothing_ends() -> None:
    """0 switches each off."""

    off = watch(terminators="#")

    assert off.decide(999 * SECOND, None) is None
    assert off.decide(999 * SECOND, 11 * SECOND) is None


def test_a_pause_is_not_waited_through() -> None:
    """Three seconds were recorded before it; two more make the five."""

    paused = watch(initial_timeout_s=5)
    paused.pause()
    paused.listen(60 * SECOND, 3 * SECOND)

    assert paused.decide(61 * SECOND, None) is None
    assert over(Cause.INITIAL_TIMEOUT, 62) == paused.decide(62 * SECOND, None)


def test_silence_begins_anew_after_a_pause() -> None:
    """A caller who resumes has something to record."""

    paused = watch(end_silence_timeout_s=2)
    assert paused.decide(12 * SECOND, 11 * SECOND) is None
    paused.pause()
    paused.listen(60 * SECOND, 3 * SECOND)

    assert paused.decide(61 * SECOND, 11 * SECOND) is None
    assert over(Cause.END_SILENCE, 62) == paused.decide(63 * SECOND, None)


def test_time_without_a_stream_counts_in_nothing() -> None:
    """Four of five seconds had passed; the fifth is the first with the new stream."""

    cut_off = watch(initial_timeout_s=5)
    cut_off.leave_out(14 * SECOND, 30 * SECOND)

    assert cut_off.decide(30 * SECOND, None) is None
    assert over(Cause.INITIAL_TIMEOUT, 31) == cut_off.decide(31 * SECOND, None)


def test_an_outage_before_the_first_sample_changes_nothing() -> None:
    """A recording that waits for its first sample has counted nothing."""

    waiting = watch(initial_timeout_s=5)
    waiting.listen(None)
    waiting.leave_out(14 * SECOND, 30 * SECOND)

    assert waiting.from_us is None


def test_nobody_says_that_none_spoke_where_the_beginning_was_not_heard() -> None:
    """What another worker heard may have been speech."""

    taken_over = watch(has_spoken=True, initial_timeout_s=5, end_silence_timeout_s=60)

    assert taken_over.decide(20 * SECOND, None) is None
    assert over(Cause.END_SILENCE, 70) == taken_over.decide(70 * SECOND, None)


@pytest.mark.parametrize(("from_us", "is_lost"), [(None, True), (10 * SECOND, False)])
def test_a_beginning_that_can_t_be_heard_any_more_may_have_been_speech(
    from_us: int | None, is_lost: bool
) -> None:
    """Only of a recording that began with it."""

    late = watch(initial_timeout_s=5)
    late.listen(from_us)
    late.miss_beginning()
    late.from_us = 10 * SECOND

    assert is_lost is (late.decide(20 * SECOND, None) is None)


@pytest.mark.parametrize(
    ("digit", "at_s", "is_over"), [("#", 11, True), ("5", 11, False), ("#", 10, False)]
)
def test_a_listed_digit_ends_it(digit: str, at_s: int, is_over: bool) -> None:
    """Any of them; one that was pressed before doesn't."""

    told = watch(terminators="*#").press(digit, at_s * SECOND)

    assert (over(Cause.DIGIT, at_s, digit) if is_over else None) == told


def test_a_digit_in_a_pause_does_nothing() -> None:
    """It belongs to whatever the pause is for."""

    paused = watch(terminators="#")
    paused.pause()

    assert paused.press("#", 11 * SECOND) is None


def test_a_digit_before_any_sound_ends_it() -> None:
    """A carrier may tell it before the first sample."""

    waiting = watch(terminators="#")
    waiting.listen(None)

    assert over(Cause.DIGIT, 10, "#") == waiting.press("#", 10 * SECOND)


@pytest.mark.parametrize(
    ("options", "digits", "voices"),
    [
        ({}, False, False),
        ({"terminators": "#"}, True, False),
        ({"initial_timeout_s": 1.0}, False, True),
        ({"end_silence_timeout_s": 1.0}, False, True),
    ],
)
def test_who_asks_for_nothing_is_not_listened_for(
    options: dict[str, Any], digits: bool, voices: bool
) -> None:
    """Only these three options need ears."""

    asked = RecordOptions(**options)

    assert (digits, voices) == (asks_for_digits(asked), asks_for_voices(asked))
