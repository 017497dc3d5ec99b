"""One window: which pair it holds, and whether it goes on."""

from __future__ import annotations

import pytest

from chalicelib.media.pcm import WIDTH
from chalicelib.media.tone_pairs import PairFinder, TonePair, is_steady
from chalicelib.media.tones import tone

WINDOW = 128
HOP_S = 0.008


def _windows(*parts: tuple[float, float]) -> tuple[bytes, bytes]:
    """Return two windows of a tone, 8 ms apart and away from its fades."""
    pcm = tone(parts, rate_hz=8000, duration_ms=60)
    return pcm[160 : 160 + WIDTH * WINDOW], pcm[288 : 288 + WIDTH * WINDOW]


def _pair(pcm: bytes) -> TonePair | None:
    return PairFinder(8000, WINDOW).find(pcm)


def test_a_pair_is_found_with_its_frequencies() -> None:
    """A window of 697 and 1,209 Hz is a 1."""

    pair = _pair(_windows((697, -10), (1209, -10))[0])

    assert pair is not None
    assert ("1", (697, 1209)) == (pair.digit, pair.hz)


@pytest.mark.parametrize(
    "parts",
    [
        ((697, -37), (1209, -37)),
        ((300, -10), (697, -20)),
        ((1209, -10), (1336, -10)),
        ((600, -10), (2000, -10)),
        ((697, -10), (770, -10), (1209, -10)),
        ((697, -10), (1209, -10), (1800, -6)),
        ((697, -10), (1209, -21)),
        ((697, -21), (1209, -10)),
    ],
)
def test_whatever_else_is_no_pair(parts: tuple[tuple[float, float], ...]) -> None:
    """Too quiet, too low, too many, too little of the whole, or too uneven."""

    assert _pair(_windows(*parts)[0]) is None


def test_a_pair_that_goes_on_is_steady() -> None:
    """The phases of a tone advance by its frequency; as another digit it is not the same."""

    first, second = map(_pair, _windows((852, -10), (1477, -10)))
    assert first is not None
    assert second is not None

    assert is_steady(first, second, HOP_S)
    assert not is_steady(TonePair(digit="1", hz=(697, 1209), phases=first.phases), second, HOP_S)


@pytest.mark.parametrize("off", [(1.035, 1.0), (1.0, 0.97)])
def test_a_pair_off_its_frequencies_is_not_steady(off: tuple[float, float]) -> None:
    """A window can't tell 3 % from nothing; two can."""

    first, second = map(_pair, _windows((697 * off[0], -10), (1209 * off[1], -10)))
    assert first is not None
    assert second is not None

    assert "1" == second.digit
    assert not is_steady(first, second, HOP_S)
