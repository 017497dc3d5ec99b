"""Where a track's samples lie on the wall clock, estimated live, for detectors.

Assembly sees all that came and places it later (`clock`); a detector must say now when a sample
sounded. The facts are the same, the wait is shorter: samples are contiguous until arrival proves a
hole. Nothing for 4 s is one, longer than any stall that the network makes up for; else the least
lateness of 2 s must be 40 ms. What follows a hole that isn't proven yet counts as earlier than it
was, by the hole.
"""

from __future__ import annotations

from bisect import bisect_right

SILENT_AFTER_US = 4_000_000
"""without media a track is silent after this; a network that stalls for 3 s still delivers"""
PROOF_US = 2_000_000
"""how long lateness must last to be a hole (DESIGN 4)"""
SHORTEST_HOLE_US = 40_000
DRIFT = 200e-6
"""by how much a carrier's clock may be slow; that it is fast shows by itself"""
MOST_KNOTS = 32
"""holes that are remembered: nobody asks for what was long ago"""


def _position(knot: tuple[int, float]) -> int:
    return knot[0]


class HeardClock:
    """One track of one stream."""

    __slots__ = ("_hole", "_knots", "_us_per_sample", "arrived_us", "samples")

    def __init__(self, rate_hz: int) -> None:
        self._us_per_sample = 1_000_000 / rate_hz
        self._knots: list[tuple[int, float]] = []
        """position and wall clock, after each hole"""
        self._hole: tuple[int, float, int] | None = None
        """one that isn't proven: its position, the least lateness since, when that began"""
        self.samples = 0
        """heard so far; the position of the next one"""
        self.arrived_us = 0
        """when the last one came"""

    def add(self, samples: int, arrival_us: int) -> None:
        """Count media that came at once."""
        begin_us = arrival_us - samples * self._us_per_sample
        if not self._knots:
            self._knots.append((0, begin_us))
        else:
            self._weigh(begin_us - self._due_us(), begin_us, arrival_us)
        self.samples += samples
        self.arrived_us = arrival_us

    def is_mute(self, now_us: int) -> bool:
        """Whether nothing has come for so long that it counts as silence."""
        return now_us - self.arrived_us >= SILENT_AFTER_US

    def begin_us(self, position: int) -> int:
        """Return when the sample at a position began to sound. Some media must have come."""
        place = bisect_right(self._knots, position, key=_position) - 1
        at, wall_us = self._knots[max(place, 0)]
        return round(wall_us + (position - at) * self._us_per_sample)

    def end_us(self, position: int) -> int:
        """Return when the sample before a position had sounded: before a hole that lies there."""
        if not position:
            return self.begin_us(0)
        return self.begin_us(position - 1) + round(self._us_per_sample)

    def _due_us(self) -> float:
        at, wall_us = self._knots[-1]
        return wall_us + (self.samples - at) * self._us_per_sample

    def _weigh(self, lateness_us: float, begin_us: float, arrival_us: int) -> None:
        if lateness_us < SHORTEST_HOLE_US:
            self._hole = None
            if lateness_us < 0:
                self._pull(-lateness_us)
            else:
                self._drift(lateness_us, arrival_us)
        elif arrival_us - self.arrived_us >= SILENT_AFTER_US:
            self._open(self.samples, begin_us)
        elif self._hole is None:
            self._hole = (self.samples, lateness_us, arrival_us)
        else:
            self._prove(*self._hole, lateness_us, arrival_us)

    def _drift(self, lateness_us: float, arrival_us: int) -> None:
        """Follow a slow clock: without jitter, what is late stays late."""
        position, wall_us = self._knots[-1]
        risen_us = max(0.0, (arrival_us - self.arrived_us) * DRIFT)
        self._knots[-1] = (position, wall_us + min(lateness_us, risen_us))

    def _prove(
        self, position: int, least_us: float, since_us: int, lateness_us: float, arrival_us: int
    ) -> None:
        least_us = min(least_us, lateness_us)
        if arrival_us - since_us < PROOF_US:
            self._hole = (position, least_us, since_us)
            return
        at, wall_us = self._knots[-1]
        self._open(position, wall_us + (position - at) * self._us_per_sample + least_us)

    def _open(self, position: int, wall_us: float) -> None:
        """Place what follows a position at a new time of the wall clock."""
        self._hole = None
        self._knots = [*self._knots[-MOST_KNOTS + 1 :], (position, wall_us)]

    def _pull(self, earlier_us: float) -> None:
        """Move what followed the last hole: it was shorter, or none."""
        position, wall_us = self._knots.pop()
        wall_us -= earlier_us
        while self._knots:
            before, before_us = self._knots[-1]
            passed_us = (position - before) * self._us_per_sample
            if before_us + passed_us < wall_us:
                break
            self._knots.pop()
            position, wall_us = before, wall_us - passed_us
        self._knots.append((position, wall_us))
