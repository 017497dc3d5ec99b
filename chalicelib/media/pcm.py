"""Operations on pcm: L16 in native order, one track or interleaved."""

from __future__ import annotations

import audioop
from array import array
from dataclasses import dataclass

WIDTH = 2
"""bytes a sample takes"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """How much pcm of which kind; channels are interleaved."""

    rate_hz: int
    channels: int
    samples: int
    """per channel"""

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return self.samples * self.channels * WIDTH

    @property
    def duration_ms(self) -> int:
        """Return how long it sounds, rounded."""
        return round(self.samples * 1000 / self.rate_hz)


def silence(samples: int) -> bytes:
    """Return one track's pcm in which nothing sounds."""
    return bytes(WIDTH * samples)


def samples_of(pcm: bytes) -> int:
    """Return how many samples one track's pcm holds."""
    return len(pcm) // WIDTH


def interleave(first: bytes, second: bytes) -> bytes:
    """Return two channels of two tracks of equal length. Raises ValueError where they differ."""
    channels = array("h", bytes(len(first) + len(second)))
    channels[0::2] = array("h", first)
    channels[1::2] = array("h", second)
    return channels.tobytes()


def deinterleave(pcm: bytes) -> tuple[bytes, bytes]:
    """Return the two tracks of two channels of 16 bits, in either byte order. Raises ValueError
    where the last pair isn't whole."""
    channels = array("h", pcm)
    if len(channels) % 2:
        raise ValueError(f"{len(channels)} samples are no pairs")
    return channels[0::2].tobytes(), channels[1::2].tobytes()


def swap_bytes(pcm: bytes) -> bytes:
    """Return samples of 16 bits in the other byte order."""
    return audioop.byteswap(pcm, WIDTH)


def mix_over_begin(pcm: bytes, sound: bytes) -> bytes:
    """Return pcm with a sound of as many channels mixed over its beginning; it isn't longer."""
    head = pcm[: len(sound)]
    return mix(head, sound[: len(head)]) + pcm[len(head) :]


def mix(first: bytes, second: bytes) -> bytes:
    """Return the sum of two tracks of equal length, saturated to 16 bits: it clips, it never wraps.

    Raises ValueError where their lengths differ.
    """
    if len(first) != len(second):
        raise ValueError(f"tracks of {len(first)} and {len(second)} bytes don't mix")
    return audioop.add(first, second, WIDTH)
