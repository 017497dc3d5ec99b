"""Resampling: how long it is, what passes, what is rejected."""

from __future__ import annotations

from array import array
from itertools import pairwise
from math import cos, log10, pi, sin, sqrt

import pytest

from chalicelib.media.resample import Resampler

TO_HZ = 8000
OTHER_RATES = [11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
AMPLITUDE = 16_000
SETTLED = 200
"""samples after which the filter holds nothing of the silence before the sound"""


def a_sine(hz: float, rate_hz: int, duration_ms: int = 200) -> bytes:
    step = 2 * pi * hz / rate_hz
    samples = rate_hz * duration_ms // 1000
    return array("h", [round(AMPLITUDE * sin(step * n)) for n in range(samples)]).tobytes()


def level_db(pcm: bytes) -> float:
    """Return a sound's level against the sine's."""
    samples = array("h", pcm)[SETTLED:]
    rms = sqrt(sum(one * one for one in samples) / len(samples))
    return 20 * log10(max(rms, 0.1) * sqrt(2) / AMPLITUDE)


def power_at(hz: float, pcm: bytes, rate_hz: int = TO_HZ) -> float:
    """Return the amplitude of a frequency."""
    samples = array("h", pcm)[SETTLED:]
    step = 2 * pi * hz / rate_hz
    real = sum(one * cos(step * n) for n, one in enumerate(samples))
    imaginary = sum(one * sin(step * n) for n, one in enumerate(samples))
    return 2 * sqrt(real * real + imaginary * imaginary) / len(samples)


@pytest.mark.parametrize("rate_hz", OTHER_RATES)
@pytest.mark.parametrize("hz", [300, 1000, 2500, 3400])
def test_the_passband_is_flat(rate_hz: int, hz: int) -> None:
    """Telephony's band passes within 0.1 dB, and at its own frequency."""

    pcm = Resampler(rate_hz, TO_HZ).feed(a_sine(hz, rate_hz))

    assert abs(level_db(pcm)) < 0.1
    assert pytest.approx(AMPLITUDE, rel=0.02) == power_at(hz, pcm)


@pytest.mark.parametrize("rate_hz", OTHER_RATES)
def test_what_the_lower_rate_cannot_carry_is_rejected(rate_hz: int) -> None:
    """A sine above 4 kHz comes back at least 60 dB lower, wherever its alias would be."""

    for hz in (4100, 4700, 5400, rate_hz / 2 - 50):
        assert level_db(Resampler(rate_hz, TO_HZ).feed(a_sine(hz, rate_hz))) < -60


@pytest.mark.parametrize("rate_hz", OTHER_RATES)
def test_the_length_is_that_of_the_time(rate_hz: int) -> None:
    """Messages of any length, cut anywhere, give the same samples as one: a second is 8,000."""

    sound = a_sine(440, rate_hz, 1000)
    resampler = Resampler(rate_hz, TO_HZ)
    cuts = [0, 2, 200, 1002, 1002, *range(1100, len(sound), 2 * 333), len(sound)]
    pieces = [resampler.feed(sound[begin:end]) for begin, end in pairwise(cuts)]

    assert Resampler(rate_hz, TO_HZ).feed(sound) == b"".join(pieces)
    assert 2 * TO_HZ == sum(map(len, pieces))


def test_a_lower_rate_is_raised_without_images() -> None:
    """A sine of 3 kHz at 8 kHz is one of 3 kHz at 16 kHz, and its image at 5 kHz isn't heard."""

    pcm = Resampler(8000, 16000).feed(a_sine(3000, 8000))

    assert pytest.approx(AMPLITUDE, rel=0.02) == power_at(3000, pcm, 16000)
    assert power_at(5000, pcm, 16000) < AMPLITUDE / 1000


@pytest.mark.parametrize("rate_hz", [12_000, 16_000])
def test_loud_sound_is_saturated(rate_hz: int) -> None:
    """A square wave's overshoot is clipped; it doesn't wrap."""

    half = rate_hz // 400
    square = array("h", ([32_767] * half + [-32_767] * half) * 40).tobytes()
    samples = array("h", Resampler(rate_hz, TO_HZ).feed(square))

    assert (-32_768, 32_767) == (min(samples), max(samples))
    highs = [sample for sample in samples[200:240] if sample > 25_000]
    assert 20 == pytest.approx(len(highs), abs=2)
