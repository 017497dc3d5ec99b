"""Sounds to try the detectors on: noise and speech at a level, through a codec, in 20 ms frames."""

from __future__ import annotations

import audioop
from array import array
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import TypeVar

from chalicelib.capture.events import Encoding, Track
from chalicelib.media import codecs
from chalicelib.media.level import rms_at
from chalicelib.media.pcm import WIDTH, silence
from simulator.speech import frames

RATE_HZ = 8000

_Event = TypeVar("_Event")


def seconds(duration_s: float) -> int:
    """Return so much time in samples."""
    return round(duration_s * RATE_HZ)


def quiet(duration_s: float) -> bytes:
    """Return digital silence."""
    return silence(seconds(duration_s))


@cache
def noise(samples: int, level_dbm0: float, seed: int = 1) -> bytes:
    """Return white noise."""
    random = Random(seed)
    rms = rms_at(level_dbm0)
    return array(
        "h", (max(-32767, min(32767, round(random.gauss(0, rms)))) for _ in range(samples))
    ).tobytes()


@cache
def speech(duration_s: float, level_dbm0: float, seed: int = 1) -> bytes:
    """Return speech without the pauses between sentences, so that its level is that of speech."""
    spoken = b"".join(
        frame
        for frame in map(_decoded, frames(3 * duration_s, seed, Track.INBOUND, Encoding.PCMU))
        if audioop.rms(frame, WIDTH) > 100
    )[: WIDTH * seconds(duration_s)]
    return audioop.mul(spoken, WIDTH, rms_at(level_dbm0) / audioop.rms(spoken, WIDTH))


def talk(duration_s: float, seed: int, track: Track) -> Iterator[bytes]:
    """Yield frames of speech with its pauses, as a carrier would send it."""
    return map(_decoded, frames(duration_s, seed, track, Encoding.PCMU))


def in_noise(pcm: bytes, level_dbm0: float) -> bytes:
    """Return a sound with white noise added."""
    return audioop.add(pcm, noise(len(pcm) // WIDTH, level_dbm0), WIDTH)


def through(encoding: str, pcm: bytes) -> bytes:
    """Return what a codec leaves of a sound."""
    return codecs.decode(codecs.encode(pcm, encoding), encoding)


def in_frames(
    feed: Callable[[bytes], list[_Event]], pcm: bytes, samples: int = 160
) -> list[_Event]:
    """Feed a sound frame by frame; return all that was told."""
    size = WIDTH * samples
    return [event for n in range(0, len(pcm), size) for event in feed(pcm[n : n + size])]


def _decoded(payload: bytes) -> bytes:
    return codecs.decode(payload, "PCMU")
