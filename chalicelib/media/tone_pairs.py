"""Which of the sixteen tone pairs of ITU-T Q.23 a window of sound holds, by Goertzel's filters.

Goertzel's filter is a dot product with a cosine and a sine, one multiplication a sample. `audioop`
has dot products in C (`findfactor` is a projection), which makes them twenty times cheaper than
arithmetic here. Cheapest first: the level; one correlation with the window's own past, in which two
tones of these frequencies can't look as voiced sound does; the high group; the low group.
"""

from __future__ import annotations

import audioop
from array import array
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, pi, sin

from chalicelib.media.digits import HIGH_HZ, KEYPAD, LOW_HZ
from chalicelib.media.level import rms_at
from chalicelib.media.pcm import WIDTH

LEAST_DBM0 = -33.0
"""of both tones together; Q.24's administrations accept down to -24 to -29 dBm for each"""
LEAST_SHARE = 0.6
"""of a window's power. 15 dB of noise take 0.03, a frequency 1.5 % off up to 0.3; of 77 minutes of
synthetic speech, five windows of 577,000 have that much"""
MOST_TWIST = 10.0
"""10 dB either way; Q.24's administrations accept 4 to 8"""
LEAST_LEAD = 4.0
"""6 dB above the other frequencies of its group"""
LEAST_RESEMBLANCE, MOST_RESEMBLANCE = -0.8, 0.42
"""with what sounded 0.25 ms before: the mean of cos(2π · f · 0.25 ms), 0.09 to 0.46 for the low
group and -0.32 to -0.84 for the high one; two thirds of voiced speech lie above"""
MOST_DEVIATION = 0.025
"""of a frequency: Q.24 has 1.8 % accepted and 3.5 % refused"""

_PEAK = 32_767
_POWER = _PEAK * _PEAK / 2
"""mean power of a tone whose projection on the tables is 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wave:
    """One frequency as samples to compare with."""

    hz: int
    cosine: bytes
    sine: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tone:
    """The strongest frequency of a group."""

    place: int
    hz: int
    power: float
    phase: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TonePair:
    """The digit that a window sounds like."""

    digit: str
    hz: tuple[int, int]
    phases: tuple[float, float]
    """at the window's first sample, in radians"""


class PairFinder:
    """Looks at windows of one length."""

    __slots__ = ("_high", "_lag", "_least_rms", "_low")

    def __init__(self, rate_hz: int, samples: int) -> None:
        self._low = _waves(LOW_HZ, rate_hz, samples)
        self._high = _waves(HIGH_HZ, rate_hz, samples)
        self._lag = WIDTH * round(rate_hz / 4000)
        self._least_rms = rms_at(LEAST_DBM0)

    def find(self, pcm: bytes) -> TonePair | None:
        """Return the pair that a window holds; None for silence and every other sound."""
        rms = audioop.rms(pcm, WIDTH)
        if rms < self._least_rms:
            return None
        resemblance = audioop.findfactor(pcm[self._lag :], pcm[: -self._lag])
        if not LEAST_RESEMBLANCE <= resemblance <= MOST_RESEMBLANCE:
            return None
        return self._pair(pcm, LEAST_SHARE * rms * rms)

    def _pair(self, pcm: bytes, least_power: float) -> TonePair | None:
        high = _strongest(pcm, self._high)
        if high is None or high.power * (1 + MOST_TWIST) < least_power:
            return None
        low = _strongest(pcm, self._low)
        if low is None or low.power + high.power < least_power:
            return None
        if low.power > MOST_TWIST * high.power or high.power > MOST_TWIST * low.power:
            return None
        return TonePair(
            digit=KEYPAD[low.place][high.place],
            hz=(low.hz, high.hz),
            phases=(low.phase, high.phase),
        )


def is_steady(first: TonePair, second: TonePair, seconds: float) -> bool:
    """Whether the pair of a window is that of one so many seconds before, gone on.

    Its phases tell the frequencies to a few Hz: a voice that meets the pair for a moment glides.
    """
    return first.digit == second.digit and all(
        _is_on(hz, after - before, seconds)
        for hz, before, after in zip(second.hz, first.phases, second.phases, strict=True)
    )


def _is_on(hz: int, advance: float, seconds: float) -> bool:
    turns = advance / (2 * pi) - hz * seconds
    return abs(turns - round(turns)) <= MOST_DEVIATION * hz * seconds


def _strongest(pcm: bytes, waves: tuple[_Wave, ...]) -> _Tone | None:
    """Return the frequency that dominates its group, if one does."""
    found = [
        (audioop.findfactor(pcm, wave.cosine), audioop.findfactor(pcm, wave.sine)) for wave in waves
    ]
    powers = [real * real + imaginary * imaginary for real, imaginary in found]
    power = max(powers)
    place = powers.index(power)
    if LEAST_LEAD * max(powers[:place] + powers[place + 1 :]) > power:
        return None
    real, imaginary = found[place]
    return _Tone(
        place=place, hz=waves[place].hz, power=power * _POWER, phase=atan2(-imaginary, real)
    )


@lru_cache(maxsize=16)
def _waves(group_hz: tuple[int, ...], rate_hz: int, samples: int) -> tuple[_Wave, ...]:
    steps = [(hz, 2 * pi * hz / rate_hz) for hz in group_hz]
    return tuple(
        _Wave(
            hz=hz,
            cosine=_table([cos(step * n) for n in range(samples)]),
            sine=_table([sin(step * n) for n in range(samples)]),
        )
        for hz, step in steps
    )


def _table(values: list[float]) -> bytes:
    return array("h", [round(_PEAK * value) for value in values]).tobytes()
