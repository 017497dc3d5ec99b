"""Tones made of sines: the beep before a recording, and the sound of a digit.

Plain tables, the same samples every time; they fade in and out over 5 ms, so that nothing clicks.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin, sqrt

from chalicelib.media.digits import FREQUENCIES_HZ
from chalicelib.media.level import rms_at

BEEP_HZ = 1400
BEEP_DBM0 = -12.0
BEEP_MS = 500
"""the recorder warning tone of Federal Standard 1037C: 1,400 Hz for half a second, no digit's
frequency; as loud as a loud voice"""

DIGIT_DBM0 = -7.0
"""both frequencies together: -10 dBm0 each, as telephones send"""
DIGIT_MS = 100
FADE_MS = 5
_LIMIT = 32_767


@lru_cache(maxsize=8)
def beep(rate_hz: int) -> bytes:
    """Return the pcm of the beep."""
    return tone(((BEEP_HZ, BEEP_DBM0),), rate_hz=rate_hz, duration_ms=BEEP_MS)


def digit_tone(
    digit: str,
    *,
    rate_hz: int,
    level_dbm0: float = DIGIT_DBM0,
    twist_db: float = 0.0,
    duration_ms: float = DIGIT_MS,
) -> bytes:
    """Return the pcm of a digit: both frequencies together at a level, none of it pause.

    `twist_db` is how much louder the high frequency is than the low one. Raises KeyError for
    what is no digit.
    """
    low_hz, high_hz = FREQUENCIES_HZ[digit]
    high_share = 1 / (1 + 10 ** (-twist_db / 10))
    levels = (sqrt(1 - high_share), sqrt(high_share))
    total = rms_at(level_dbm0)
    return _sines([(low_hz, total * levels[0]), (high_hz, total * levels[1])], rate_hz, duration_ms)


def tone(parts: Sequence[tuple[float, float]], *, rate_hz: int, duration_ms: float) -> bytes:
    """Return the pcm of sines, each a frequency in Hz and a level in dBm0; too loud a sum clips."""
    return _sines([(hz, rms_at(level)) for hz, level in parts], rate_hz, duration_ms)


def _sines(parts: Sequence[tuple[float, float]], rate_hz: int, duration_ms: float) -> bytes:
    samples = round(rate_hz * duration_ms / 1000)
    waves = [(2 * pi * hz / rate_hz, rms * sqrt(2)) for hz, rms in parts]
    return array(
        "h",
        (
            max(-_LIMIT, min(_LIMIT, round(_fade(n, samples, rate_hz) * _sum(waves, n))))
            for n in range(samples)
        ),
    ).tobytes()


def _sum(waves: Sequence[tuple[float, float]], n: int) -> float:
    return sum(peak * sin(step * n) for step, peak in waves)


def _fade(n: int, samples: int, rate_hz: int) -> float:
    """Return the gain of a sample: half a cosine at both ends."""
    length = rate_hz * FADE_MS / 1000
    nearest = min(n, samples - 1 - n)
    return 1.0 if nearest >= length else (1 - cos(pi * (nearest + 0.5) / length)) / 2
