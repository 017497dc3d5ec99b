"""Where samples sounded, told while they come."""

from __future__ import annotations

import pytest

from chalicelib.capture.live_clock import MOST_KNOTS, SILENT_AFTER_US, HeardClock

RATE_HZ = 8000
FRAME = 160
FRAME_US = 20_000
SECOND = 1_000_000
BEGUN_US = 1_000_000_000


class Line:
    """A carrier that sends a frame each 20 ms, over a network."""

    def __init__(self) -> None:
        self.clock = HeardClock(RATE_HZ)
        self.now_us = BEGUN_US

    def send(self, seconds: float, late_us: int = 0) -> None:
        """Send for so long; each frame comes late by as much."""
        for _ in range(round(seconds * 50)):
            self.now_us += FRAME_US
            self.clock.add(FRAME, self.now_us + late_us)

    def stall(self, seconds: float) -> None:
        """Send on while nothing arrives, then let all arrive at once."""
        frames = round(seconds * 50)
        self.now_us += frames * FRAME_US
        for _ in range(frames):
            self.clock.add(FRAME, self.now_us)

    def say_nothing(self, seconds: float) -> None:
        """Send nothing for so long."""
        self.now_us += round(seconds * SECOND)

    def sounded(self, position_s: float) -> float:
        """Return when a position sounded, in seconds since the line began."""
        return (self.clock.begin_us(round(position_s * RATE_HZ)) - BEGUN_US) / SECOND

    @property
    def lag_s(self) -> float:
        """How far the clock is behind the line."""
        return (self.now_us - self.clock.end_us(self.clock.samples)) / SECOND


def test_samples_are_contiguous() -> None:
    """What comes steadily sounded as it came, the last sample when it arrived."""

    line = Line()
    line.send(10)

    assert (0.0, 5.0, 0.0) == (line.sounded(0), line.sounded(5), line.lag_s)
    assert BEGUN_US == line.clock.end_us(0)


def test_the_least_late_message_tells_the_time() -> None:
    """A first message that was late makes nothing late."""

    line = Line()
    line.send(0.02, late_us=300_000)
    line.send(1)

    assert 0.0 == line.sounded(0)


def test_jitter_is_no_hole() -> None:
    """Messages that come up to 39 ms late change nothing."""

    line = Line()
    for number in range(500):
        line.send(0.02, late_us=number * 7919 % 39_000)

    assert pytest.approx(10, abs=0.001) == line.sounded(10)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 3.9])
def test_a_stall_is_no_hole(seconds: float) -> None:
    """What a network delivers in a burst sounded when it was said."""

    line = Line()
    line.send(2)
    line.stall(seconds)
    line.send(3)

    assert pytest.approx(2 + seconds / 2) == line.sounded(2 + seconds / 2)
    assert 0.0 == line.lag_s


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.0])
def test_a_hole_is_proven_by_two_seconds(seconds: float) -> None:
    """Until then what follows counts as earlier; then it lies where it sounded."""

    line = Line()
    line.send(2)
    line.say_nothing(seconds)
    line.send(1.98)
    early = line.lag_s
    line.send(0.1)

    assert pytest.approx(seconds) == early
    assert pytest.approx(0.0) == line.lag_s
    assert pytest.approx(2 + seconds) == line.sounded(2)
    assert pytest.approx(1.99) == line.sounded(1.99)
    assert pytest.approx(2.0) == (line.clock.end_us(2 * RATE_HZ) - BEGUN_US) / SECOND


def test_a_long_hole_needs_no_proof() -> None:
    """After 4 s of nothing, what comes sounded when it came."""

    line = Line()
    line.send(2)
    line.say_nothing(SILENT_AFTER_US / SECOND)
    line.send(0.02)

    assert pytest.approx(6.0) == line.sounded(2)


def test_a_stall_that_looked_like_a_hole_is_put_right() -> None:
    """Five seconds that come at once are contiguous after all."""

    line = Line()
    line.send(2)
    line.stall(5)

    assert pytest.approx(4.0) == line.sounded(4)
    line.send(1)
    assert pytest.approx(0.0) == line.lag_s


def test_holes_in_a_row_are_put_right_together() -> None:
    """A hole behind a hole that was none goes with it."""

    line = Line()
    line.send(1)
    line.say_nothing(1)
    line.send(2.1)
    line.say_nothing(1)
    line.send(2.1)
    line.now_us -= round(2.5 * SECOND)
    line.send(0.02)

    assert pytest.approx(-0.5) == line.sounded(0)


def test_what_sounds_now_and_then_keeps_its_time() -> None:
    """One frame each half second (comfort noise) is heard at most 4 s behind, never ahead."""

    line = Line()
    lags = []
    for _ in range(60):
        line.send(0.02)
        line.say_nothing(0.48)
        lags.append(line.lag_s)

    assert 0 <= min(lags)
    assert max(lags) < 4.5


def test_a_line_without_media_is_mute_after_four_seconds() -> None:
    """Who waits for it then waits in vain."""

    line = Line()
    line.send(1)

    assert not line.clock.is_mute(line.now_us + SILENT_AFTER_US - 1)
    assert line.clock.is_mute(line.now_us + SILENT_AFTER_US)


@pytest.mark.parametrize("ppm", [-200, -50, 50, 180])
def test_a_carriers_clock_is_followed(ppm: int) -> None:
    """Within a few ms after half an hour, though nothing was a hole."""

    line, jitter_us = Line(), 3_000
    for number in range(30 * 60 * 50):
        line.now_us += FRAME_US
        drift_us = number * FRAME_US * ppm // 1_000_000
        line.clock.add(FRAME, line.now_us + drift_us + number * 7919 % jitter_us)

    off_us = line.now_us + drift_us - line.clock.end_us(line.clock.samples)
    assert -jitter_us <= off_us <= jitter_us


def test_a_call_of_holes_is_not_kept() -> None:
    """The newest are remembered, however many there were."""

    line = Line()
    for _ in range(2 * MOST_KNOTS):
        line.send(0.02)
        line.say_nothing(5)

    assert pytest.approx(line.now_us, abs=6 * SECOND) == line.clock.end_us(line.clock.samples)
