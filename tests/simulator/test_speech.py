"""Generated speech."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Encoding, Track
from simulator import speech


def spoken(seconds: float, seed: int = 1, track: Track = Track.INBOUND) -> bytes:
    return b"".join(speech.frames(seconds, seed, track, Encoding.PCMU))


def test_the_same_seed_says_the_same() -> None:
    """A run can be repeated to the sample."""

    assert spoken(3) == spoken(3)


def test_tracks_and_seeds_differ() -> None:
    """No two tracks, and no two calls, sound alike."""

    voices = {spoken(3), spoken(3, seed=2), spoken(3, track=Track.OUTBOUND)}

    assert 3 == len(voices)


@pytest.mark.parametrize(("seconds", "sizes"), [(0.04, [160, 160]), (0.05, [160, 160, 80])])
def test_frames_of_20_ms(seconds: float, sizes: list[int]) -> None:
    """The last frame is what is left."""

    frames = speech.frames(seconds, 1, Track.INBOUND, Encoding.PCMU)

    assert sizes == [len(frame) for frame in frames]


def test_it_has_words_and_pauses() -> None:
    """Some of it is loud, some of it nearly silent: detectors have something to find."""

    payload = spoken(10)
    tenths = [payload[at : at + 800] for at in range(0, 80_000, 800)]
    loudest = [max(255 - (byte | 0x80) for byte in tenth) for tenth in tenths]

    assert max(loudest) > 90
    assert min(loudest) < 10
