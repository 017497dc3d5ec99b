"""One track's messages in the order of their offsets, for live listeners.

What is captured never waits (`reordering.py`). A consumer can't go back, so a message behind a hole
waits until the hole is filled, or until what comes later shows that nothing will fill it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from operator import attrgetter

from chalicelib.capture.clock import Baseline
from chalicelib.capture.records import StreamHead
from chalicelib.capture.reordering import Placed, tolerance

WAIT_US = 200_000
"""for a message that is missing: as long as the buffer of an RTP listener at most"""

_by_offset = attrgetter("offset")


class InOrder:
    """One track of one live stream."""

    def __init__(self, head: StreamHead) -> None:
        self._head = head
        self._tolerance = tolerance(head)
        self._waiting: list[Placed] = []
        self._next: int | None = None
        """the offset that follows what was given"""
        self._baseline: Baseline | None = None

    def take(self, one: Placed) -> Iterator[tuple[bytes, int]]:
        """Yield the payloads whose turn it is, each with when it would have come in time."""
        lateness_us = one.arrival_us - self._head.opened_at_us - self._end_us(one)
        if self._baseline is None:
            self._baseline = Baseline(lateness_us, one.arrival_us)
        self._baseline.follow(lateness_us, one.arrival_us)
        insort(self._waiting, one, key=_by_offset)
        while self._waiting and self._is_due(one.arrival_us):
            given = self._waiting.pop(0)
            if self._next is not None and given.offset + self._tolerance < self._next:
                continue  # its turn is over; the capture has it
            self._next = given.offset + given.samples
            yield given.payload, self._prompt_us(given)

    def flush(self) -> Iterator[tuple[bytes, int]]:
        """Yield what waits: nothing more comes."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            yield one.payload, self._prompt_us(one)

    def _is_due(self, now_us: int) -> bool:
        first = self._waiting[0]
        if self._next is None or first.offset <= self._next + self._tolerance:
            return True
        return now_us - min(one.arrival_us for one in self._waiting) >= WAIT_US

    def _prompt_us(self, one: Placed) -> int:
        assert self._baseline is not None
        return round(self._head.opened_at_us + self._baseline.lateness_us + self._end_us(one))

    def _end_us(self, one: Placed) -> int:
        return (one.offset + one.samples) * 1_000_000 // self._head.rate_hz
