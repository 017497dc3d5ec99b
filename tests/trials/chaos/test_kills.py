"""When workers are killed, and how slow the store is."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

from trials.chaos.kills import Trap, latencies, traps


def test_every_ten_kills_have_each_moment() -> None:
    """Whatever the seed is."""

    counted = Counter(islice(traps(Random(7)), 50))

    assert set(Trap) == counted.keys()
    assert 20 == counted[Trap.ANYTHING]


def test_puts_take_what_they_should() -> None:
    """120 ms median, 700 ms p99."""

    draw = latencies(Random(3))
    drawn = sorted(draw() for _ in range(20_000))

    assert abs(0.120 - drawn[10_000]) < 0.005
    assert abs(0.700 - drawn[19_800]) < 0.05
