"""At which moments a worker is killed, and how long the store takes meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from random import Random

MEDIAN_S, P99_S = 0.120, 0.700
_Z99 = 2.3263


class Trap(StrEnum):
    """What a worker is doing when it is killed."""

    ANYTHING = "any moment"
    JOURNAL_PUT = "putting a journal object"
    JOURNAL_STORED = "journal object stored, not answered"
    SEGMENT_PUT = "putting a segment"
    SEGMENT_STORED = "segment stored, not answered"
    ROW = "segment stored, row not written"

    @property
    def needs_end(self) -> bool:
        """Whether a stream has to end for it."""
        return self in (Trap.SEGMENT_PUT, Trap.SEGMENT_STORED, Trap.ROW)


_MIX = (
    *(Trap.ANYTHING,) * 4,
    Trap.JOURNAL_PUT,
    Trap.JOURNAL_PUT,
    Trap.JOURNAL_STORED,
    Trap.SEGMENT_PUT,
    Trap.SEGMENT_STORED,
    Trap.ROW,
)


def traps(random: Random) -> Iterator[Trap]:
    """Yield traps, each kind in its share of every ten."""
    while True:
        yield from random.sample(_MIX, len(_MIX))


def latencies(random: Random) -> Callable[[], float]:
    """Return what draws the time of a put: lognormal, 120 ms median, 700 ms p99."""
    sigma = math.log(P99_S / MEDIAN_S) / _Z99
    return lambda: random.lognormvariate(math.log(MEDIAN_S), sigma)
