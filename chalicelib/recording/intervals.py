"""Computes the intervals of its call that a recording shows, as commands open and close them.

`at_us` is µs since 1970 on the wall, as media arrives: what came before a pause is shown, what came
while it lasted isn't.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from chalicelib.recording.model import Interval

Intervals = tuple[Interval, ...]

MOST = 2_000
"""A row has room for 400 KB, of which each takes 60 bytes; a client that pauses a thousand times
in a call runs in a loop."""


class Behavior(StrEnum):
    """How a pause appears in the rendition; SWML's words."""

    SKIP = "skip"
    """the pause is left out"""
    SILENCE = "silence"
    """the pause is silence of its length"""


def begun(at_us: int) -> Intervals:
    """Return what a recording shows that begins while its call streams."""
    return (Interval(from_us=at_us),)


def paused(intervals: Sequence[Interval], at_us: int, behavior: Behavior) -> Intervals:
    """Return what is shown by a recording that pauses."""
    before = ended(intervals or (Interval(),), at_us)
    if behavior is Behavior.SKIP:
        return before
    return (*before, Interval(from_us=at_us, silent=True))


def resumed(intervals: Sequence[Interval], at_us: int) -> Intervals:
    """Return what is shown by a recording that goes on after a pause."""
    return (*ended(intervals, at_us), Interval(from_us=at_us))


def ended(intervals: Sequence[Interval], at_us: int) -> Intervals:
    """Return intervals of which none goes on after an instant; it may lie behind some of them."""
    return tuple(replace(one, to_us=_end_us(one, at_us)) for one in intervals)


def shown_us(intervals: Sequence[Interval], first_us: int) -> int:
    """Return how much sound the closed intervals show; `first_us`: when the first sample came."""
    return sum(
        one.to_us - (first_us if one.from_us is None else one.from_us)
        for one in intervals
        if one.to_us is not None and not one.silent
    )


def _end_us(interval: Interval, at_us: int) -> int:
    end_us = at_us if interval.to_us is None else min(interval.to_us, at_us)
    return end_us if interval.from_us is None else max(interval.from_us, end_us)
