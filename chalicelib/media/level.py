"""Levels: dBm0 and the RMS of L16 samples.

G.711 puts 0 dBm0 3.17 dB (PCMU) or 3.14 dB (PCMA) below a sine of full load, which decodes to peaks
of 32,124 and 32,256. The two agree within 0.1 dB; the number below lies between them.
"""

from __future__ import annotations

from math import log10

RMS_AT_0_DBM0 = 15_800.0
SILENCE_DBM0 = -90.0
"""what nothing has: below the least that 16 bits can say"""


def rms_at(level_dbm0: float) -> float:
    """Return the RMS that samples of this level have."""
    return float(RMS_AT_0_DBM0 * 10 ** (level_dbm0 / 20))


def dbm0_of(rms: float) -> float:
    """Return the level of samples with this RMS, at least `SILENCE_DBM0`."""
    if rms <= 0:
        return SILENCE_DBM0
    return max(SILENCE_DBM0, 20 * log10(rms / RMS_AT_0_DBM0))
