"""dBm0 and back."""

from __future__ import annotations

import audioop
import math
from array import array

import pytest

from chalicelib.media import codecs, level


@pytest.mark.parametrize(
    ("encoding", "peak", "dbm0"), [("PCMU", 32_124, 3.17), ("PCMA", 32_256, 3.14)]
)
def test_a_sine_of_full_load_is_three_above_zero(encoding: str, peak: int, dbm0: float) -> None:
    """The loudest sine of either law has the level that G.711 gives it, within 0.1 dB."""

    sine = array("h", (round(peak * math.sin(n / 3)) for n in range(8000))).tobytes()
    heard = codecs.decode(codecs.encode(sine, encoding), encoding)

    assert pytest.approx(dbm0, abs=0.1) == level.dbm0_of(audioop.rms(heard, 2))


@pytest.mark.parametrize("dbm0", [3.0, 0.0, -20.0, -65.0])
def test_a_level_survives_the_way_there_and_back(dbm0: float) -> None:
    """RMS and dBm0 are each other's inverse."""

    assert pytest.approx(dbm0) == level.dbm0_of(level.rms_at(dbm0))


@pytest.mark.parametrize("rms", [0.0, 0.1])
def test_nothing_has_a_level_too(rms: float) -> None:
    """Silence is -90 dBm0, not minus infinity."""

    assert -90.0 == level.dbm0_of(rms)
