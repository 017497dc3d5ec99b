"""Speech-like audio at 8 kHz: syllables, hisses and pauses; the same seed says the same again.

A voice is a set of pitch periods, encoded once; an utterance joins them, so that an hour costs less
than a second. Every voice has a pitch of its own: an ear, or a spectrum, tells tracks apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from chalicelib.capture.events import Encoding, Track
from simulator import g711

RATE_HZ = 8000
FRAME_SAMPLES = 160
"""20 ms, as both carriers send"""

_PITCH_HZ = {Track.INBOUND: 190.0, Track.OUTBOUND: 110.0, Track.MIXED: 150.0}
_FORMANTS_HZ = ((730, 1090), (270, 2290), (300, 870), (530, 1840), (570, 840))
"""of a, i, u, e, o (Peterson and Barney, 1952)"""
_LEVELS = (1500, 4000, 8000, 12000)
"""peaks, of 32,767"""
_NOISE_SAMPLES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one speaker's sounds are made of, encoded."""

    vowels: tuple[tuple[bytes, ...], ...]
    """by vowel and level: one pitch period"""
    hiss: bytes
    hush: bytes
    """a room's noise: what a pause sounds like"""


def frames(seconds: float, seed: int, track: Track, encoding: Encoding) -> Iterator[bytes]:
    """Yield 20 ms payloads for so many seconds; the last may be shorter."""
    rest = round(seconds * RATE_HZ)
    random = Random(f"{seed}/{track}")
    voice = _voice(random, _PITCH_HZ[track], encoding)
    for frame in _cut(_sounds(random, voice)):
        if rest <= 0:
            return
        yield frame[:rest]
        rest -= FRAME_SAMPLES


def _cut(sounds: Iterator[bytes]) -> Iterator[bytes]:
    pending = bytearray()
    for sound in sounds:
        pending += sound
        while len(pending) >= FRAME_SAMPLES:
            yield bytes(pending[:FRAME_SAMPLES])
            del pending[:FRAME_SAMPLES]


def _sounds(random: Random, voice: Voice) -> Iterator[bytes]:
    while True:
        for _ in range(random.randint(3, 12)):
            yield from _syllable(random, voice)
        yield _slice(random, voice.hush, random.randint(2400, 9600))


def _syllable(random: Random, voice: Voice) -> Iterator[bytes]:
    if random.random() < 0.4:
        yield _slice(random, voice.hiss, random.randint(300, 700))
    quiet, soft, normal, loud = random.choice(voice.vowels)
    held = random.choice((normal, loud))
    yield quiet * 2 + soft * 2 + held * random.randint(6, 24) + soft * 3 + quiet * 2
    yield _slice(random, voice.hush, random.randint(80, 800))


def _slice(random: Random, noise: bytes, samples: int) -> bytes:
    start = random.randrange(len(noise))
    doubled = noise[start:] + noise * (1 + samples // len(noise))
    return doubled[:samples]


def _voice(random: Random, pitch_hz: float, encoding: Encoding) -> Voice:
    return Voice(
        vowels=tuple(
            tuple(_period(pitch_hz, formants, level, encoding) for level in _LEVELS)
            for formants in _FORMANTS_HZ
        ),
        hiss=_noise(random, 2500, encoding),
        hush=_noise(random, 24, encoding),
    )


def _period(pitch_hz: float, formants: tuple[int, int], peak: int, encoding: Encoding) -> bytes:
    """Return one period that begins and ends at zero, so that periods join without a click."""
    samples = round(RATE_HZ / pitch_hz)
    harmonics = range(1, samples // 2)
    gains = [sum(1 / (1 + ((k * pitch_hz - f) / 120) ** 2) for f in formants) for k in harmonics]
    wave = [
        sum(
            gain * math.sin(2 * math.pi * k * n / samples)
            for k, gain in zip(harmonics, gains, strict=True)
        )
        for n in range(samples)
    ]
    scale = peak / max(map(abs, wave))
    return g711.encode((round(value * scale) for value in wave), encoding)


def _noise(random: Random, peak: int, encoding: Encoding) -> bytes:
    samples = islice(iter(lambda: random.randint(-peak, peak), None), _NOISE_SAMPLES)
    return g711.encode(samples, encoding)
