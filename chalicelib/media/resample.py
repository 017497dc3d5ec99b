"""Resamples one track's pcm between two rates: a polyphase windowed-sinc low-pass.

An outgoing tap speaks G.711 at 8 kHz whatever the source's rate is. Frequencies that the lower rate
can't carry are attenuated by at least 60 dB, so that they don't come back as aliases; up to 85 % of
its Nyquist frequency the sound passes unchanged (within 0.1 dB). The measurements are in the test.

By hand: `audioop.ratecv` has no low-pass, and scipy is much to ship for one filter.
"""

from __future__ import annotations

import audioop
from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from math import ceil, gcd, pi, sin, sqrt
from operator import mul

PASSBAND = 0.85
"""of the lower rate's Nyquist frequency: 3,400 Hz of 4,000, telephony's own band"""
_REJECTION_DB = 66.0
"""what the window is designed for: 6 dB more than promised"""
_LEAST, _GREATEST = -32_768, 32_767


class Resampler:
    """One track on its way to another rate. Its output is some milliseconds late, and never short:
    `n` samples in are `n * to / from` samples out, rounded up, at once."""

    __slots__ = ("_history", "_next", "_phases", "_step", "_up")

    def __init__(self, from_hz: int, to_hz: int) -> None:
        divisor = gcd(from_hz, to_hz)
        self._up, self._step = to_hz // divisor, from_hz // divisor
        self._phases = _filters(from_hz, to_hz)
        self._history = array("h", bytes(2 * (len(self._phases[0]) - 1)))
        self._next = 0
        """where the next output lies, in `up`ths of a sample, from the first sample to come"""

    def feed(self, pcm: bytes) -> bytes:
        """Take the next samples, any number; return the samples at the other rate."""
        samples = array("h", pcm)
        heard = self._history + samples
        end = len(samples) * self._up
        places = range(self._next, end, self._step)
        self._history = heard[len(samples) :]
        self._next += len(places) * self._step - end
        if self._up == 1:
            return _by_slices(heard, self._phases[0], places)
        return _one_by_one(heard, self._phases, self._up, places)


def _by_slices(heard: array[int], taps: Sequence[float], places: range) -> bytes:
    """Filter where each output lies on a sample: every tap is a multiplication of one slice, in C.

    Sums are of 32 bits, at half the level, so that only the result is clipped.
    """
    if not places:
        return b""
    wide = array("i", audioop.lin2lin(heard.tobytes(), 2, 4))
    total = bytes(4 * len(places))
    length = places[-1] - places[0] + 1
    for begin, tap in enumerate(taps, places[0]):
        part = wide[begin : begin + length : places.step].tobytes()
        total = audioop.add(total, audioop.mul(part, 4, tap / 2), 4)
    return audioop.lin2lin(audioop.mul(audioop.bias(total, 4, 0x4000), 4, 2), 4, 2)


def _one_by_one(
    heard: array[int], phases: Sequence[Sequence[float]], up: int, places: range
) -> bytes:
    """Filter where outputs lie between samples, each with the taps of its place."""
    taps = len(phases[0])
    sums = [
        sum(map(mul, phases[place % up], heard[place // up : place // up + taps]))
        for place in places
    ]
    rounded = map(round, map(min, map(max, sums, repeat(_LEAST)), repeat(_GREATEST)))
    return array("h", rounded).tobytes()


@lru_cache(maxsize=16)
def _filters(from_hz: int, to_hz: int) -> tuple[tuple[float, ...], ...]:
    """Return the taps for each place between two samples, the oldest sample's tap first.

    Each place's taps add up to 1, so that no place is louder than another.
    """
    up = to_hz // gcd(from_hz, to_hz)
    nyquist = min(from_hz, to_hz) / 2
    middle, width = nyquist * (1 + PASSBAND) / 2, nyquist * (1 - PASSBAND)
    taps = ceil((_REJECTION_DB - 8) / (2.285 * 2 * pi * width / from_hz)) + 2
    return tuple(_phase(taps, place / up, middle / from_hz) for place in range(up))


def _phase(taps: int, place: float, cutoff: float) -> tuple[float, ...]:
    half = taps / 2
    # The sample at `n` is `n - half + 1 - place` samples from the filter's middle.
    distances = [n - half + 1 - place for n in range(taps)]
    weights = [_sinc(2 * cutoff * at) * _kaiser(at / half) for at in distances]
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _sinc(at: float) -> float:
    return sin(pi * at) / (pi * at) if at else 1.0


def _kaiser(at: float) -> float:
    """Return Kaiser's window, not normalized, from -1 to 1."""
    beta = 0.1102 * (_REJECTION_DB - 8.7)
    return _bessel(beta * sqrt(max(0.0, 1 - at * at)))


def _bessel(x: float) -> float:
    """Return the modified Bessel function of the first kind and order 0."""
    total = term = 1.0
    for n in range(1, 16):
        term *= (x / 2 / n) ** 2
        total += term
    return total
