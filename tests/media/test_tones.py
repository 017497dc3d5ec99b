"""The beep and the sound of digits, looked at as any receiver would."""

from __future__ import annotations

import audioop
import cmath
import math
from array import array

import pytest

from chalicelib.media import tones
from chalicelib.media.digits import FREQUENCIES_HZ
from chalicelib.media.level import dbm0_of


def _level_at(pcm: bytes, hz: float, rate_hz: int = 8000) -> float:
    """Return the level of one frequency, by a plain Fourier sum over a Hann window."""
    samples = array("h", pcm)
    total = len(samples)
    weights = [1 - math.cos(2 * math.pi * n / total) for n in range(total)]
    step = -2j * math.pi * hz / rate_hz
    amplitude = abs(
        sum(
            w * x * cmath.exp(step * n)
            for n, (w, x) in enumerate(zip(weights, samples, strict=True))
        )
    )
    return dbm0_of(amplitude * 2 / total / math.sqrt(2))


@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_the_beep_is_what_the_page_says(rate_hz: int) -> None:
    """1,400 Hz at -12 dBm0 for 500 ms, and nothing an octave higher."""

    beep = tones.beep(rate_hz)

    assert 2 * rate_hz // 2 == len(beep)
    assert pytest.approx(-12, abs=0.2) == _level_at(beep, 1400, rate_hz)
    assert -70 > _level_at(beep, 2800, rate_hz)


def test_a_tone_begins_and_ends_softly() -> None:
    """No sample of the edges is loud enough to click, and the middle is not faded."""

    beep = array("h", tones.beep(8000))

    assert 30 > max(map(abs, [*beep[:2], *beep[-2:]]))
    assert pytest.approx(beep[1000], abs=1) == beep[1000 + 40]


def test_the_same_tone_has_the_same_samples() -> None:
    """A tone is a function of what it was asked for."""

    assert tones.digit_tone("5", rate_hz=8000) == tones.digit_tone("5", rate_hz=8000)


@pytest.mark.parametrize("twist_db", [-4.0, 0.0, 4.0])
@pytest.mark.parametrize("digit", list(FREQUENCIES_HZ))
def test_a_digit_is_two_frequencies_at_a_level(digit: str, twist_db: float) -> None:
    """Row and column sound together at the level asked for, the high one `twist_db` above."""

    pcm = tones.digit_tone(digit, rate_hz=8000, level_dbm0=-20, twist_db=twist_db, duration_ms=200)
    low, high = (_level_at(pcm, hz) for hz in FREQUENCIES_HZ[digit])

    assert 3200 == len(pcm)
    assert pytest.approx(twist_db, abs=0.3) == high - low
    assert pytest.approx(-20, abs=0.6) == dbm0_of(audioop.rms(pcm, 2))


def test_a_tone_beyond_full_load_clips() -> None:
    """What is too loud stays at the edge instead of wrapping."""

    loud = array("h", tones.tone(((400, 6), (500, 6)), rate_hz=8000, duration_ms=50))

    assert (32_767, -32_767) == (max(loud), min(loud))


def test_a_letter_beyond_d_is_no_digit() -> None:
    """Only sixteen keys have a sound."""

    with pytest.raises(KeyError):
        tones.digit_tone("E", rate_hz=8000)
