"""Interleaving and mixing, sample by sample."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.media import pcm

SAMPLES = st.integers(-32768, 32767)
PAIRS = st.lists(st.tuples(SAMPLES, SAMPLES))


def _pcm(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def _samples(sound: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(sound) // 2}h", sound))


@given(PAIRS)
def test_interleaving_alternates_the_tracks(pairs: list[tuple[int, int]]) -> None:
    """Channel 0 is the first track and channel 1 the second, sample by sample."""

    stereo = pcm.interleave(_pcm([a for a, _ in pairs]), _pcm([b for _, b in pairs]))

    assert [sample for pair in pairs for sample in pair] == _samples(stereo)


@given(PAIRS)
def test_mixing_adds_and_saturates(pairs: list[tuple[int, int]]) -> None:
    """A sum beyond 16 bits stays at the edge instead of wrapping."""

    mixed = pcm.mix(_pcm([a for a, _ in pairs]), _pcm([b for _, b in pairs]))

    assert [max(-32768, min(32767, a + b)) for a, b in pairs] == _samples(mixed)


def test_tracks_of_different_lengths_are_refused() -> None:
    """Neither interleaving nor mixing shifts one track against the other."""

    with pytest.raises(ValueError, match="attempt to assign"):
        pcm.interleave(b"\0\0", b"\0\0\0\0")
    with pytest.raises(ValueError, match="don't mix"):
        pcm.mix(b"\0\0", b"\0\0\0\0")


def test_silence_has_its_length() -> None:
    """Silence is zeros, and as many samples as asked for."""

    assert [0] * 80 == _samples(pcm.silence(80))
    assert 80 == pcm.samples_of(pcm.silence(80))


def test_a_sound_over_the_beginning_moves_nothing() -> None:
    """It is added where both are; what is longer than the rest is cut off."""

    assert _pcm([11, 12, 3]) == pcm.mix_over_begin(_pcm([1, 2, 3]), _pcm([10, 10]))
    assert _pcm([11]) == pcm.mix_over_begin(_pcm([1]), _pcm([10, 10]))


def test_two_channels_are_two_tracks() -> None:
    """Each second sample is the other track's, in either byte order."""
    assert (b"\x01\x02\x05\x06", b"\x03\x04\x07\x08") == pcm.deinterleave(bytes(range(1, 9)))


def test_half_a_pair_is_no_channel() -> None:
    """A sample without its other track is refused."""
    with pytest.raises(ValueError, match="3 samples are no pairs"):
        pcm.deinterleave(bytes(6))


def test_bytes_are_swapped() -> None:
    """Big-endian L16 becomes little-endian, and back."""
    assert b"\x02\x01\x04\x03" == pcm.swap_bytes(b"\x01\x02\x03\x04")
