"""A clock that jumps from one thing to the next, and the processes that live by it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar

from chalicelib.errors import TapedeckError
from tests.fakes import Died

T = TypeVar("T")

Process = Generator[float, None, None]
"""yields how many seconds it sleeps"""


class Exhausted(Exception):
    """A step failed as often as it may; its argument says with what."""


class Clock:
    """Runs processes by the time that they sleep; one that dies is heard of no more."""

    def __init__(self, begin: datetime) -> None:
        self.now = begin
        self._waiting: list[tuple[datetime, int, Process]] = []
        self._order = count()

    def start(self, process: Process, after_s: float = 0.0) -> None:
        """Let a process run from a moment on."""
        at = self.now + timedelta(seconds=after_s)
        heapq.heappush(self._waiting, (at, next(self._order), process))

    def pass_s(self, seconds: float) -> None:
        """Let time pass: what is to happen in it happens, in its order."""
        until = self.now + timedelta(seconds=seconds)
        while self._waiting and self._waiting[0][0] <= until:
            at, _, process = heapq.heappop(self._waiting)
            self.now = max(at, self.now)
            try:
                self.start(process, next(process))
            except (StopIteration, Died):
                continue
        self.now = until


def stubbornly(step: Callable[[], T], waits_s: Iterable[float]) -> Generator[float, None, T]:
    """Run a step, again after each wait; it may meet faults, or die as a function of its own.
    Raises Exhausted."""
    waits = iter(waits_s)
    while True:
        try:
            return step()
        except (TapedeckError, Died) as fault:
            wait_s = next(waits, None)
            if wait_s is None:
                raise Exhausted(type(fault).__name__) from fault
        yield wait_s
