"""A beat at absolute times, so that what one member takes delays no later beat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_BEHIND_MOST_S = 1.0
"""of missed beats that are made up for after the loop stood still; the others are dropped"""


class Ticker:
    """Calls its members once a period; idle while it has none."""

    def __init__(self, period_ms: int) -> None:
        self._period_s = period_ms / 1000
        self._members: list[Callable[[], None]] = []
        self._begun = 0.0
        self._beats = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, tick: Callable[[], None]) -> None:
        """Call a member from the next beat on."""
        self._members.append(tick)
        if self._timer is None:
            self._begun, self._beats = asyncio.get_running_loop().time(), 0
            self._wait()

    def remove(self, tick: Callable[[], None]) -> None:
        """Stop calling a member."""
        self._members = [one for one in self._members if one != tick]
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        # Counted from the start each time, so that rounding errors don't accumulate.
        due = self._begun + (self._beats + 1) * self._period_s
        self._timer = asyncio.get_running_loop().call_at(due, self._beat)

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        owed = int((now - self._begun) / self._period_s + _EARLY) - self._beats
        self._beats += owed
        for _ in range(min(owed, int(_BEHIND_MOST_S / self._period_s))):
            for tick in self._members:
                tick()
        if self._timer is not None:
            self._wait()


_EARLY = 0.1
"""of a period: a timer may fire a millisecond before its time"""
