"""Yields each stored sample of a track once, when media is read back.

A late or doubled message of a live stream is sorted out earlier, in `reordering.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from chalicelib.capture.clock import Run
from chalicelib.capture.records import StoredRecord

_BEFORE_ALL = -(1 << 62)
"""lower than every position: those of RTP may be negative"""


def distinct(entries: Iterable[StoredRecord], tolerance: int = 0) -> list[Run]:
    """Return a track's runs in order. A record without payload, of which only the facts are known,
    gives the samples that no other one gives; of equal copies the first given is used.

    `tolerance`: samples by which positions may be off; records that overlap by so few, follow each
    other.
    """
    ordered = sorted(entries, key=lambda e: (e.record.first_sample, -e.record.samples))
    runs = _once((entry for entry in ordered if entry.length), tolerance)
    silent = _once((entry for entry in ordered if not entry.length), tolerance)
    if silent:
        runs += [part for run in silent for part in _without(run, runs)]
        runs.sort(key=lambda run: run.first)
    return runs


def _once(entries: Iterable[StoredRecord], tolerance: int) -> list[Run]:
    runs: list[Run] = []
    given = _BEFORE_ALL
    for entry in entries:
        first, end = entry.record.first_sample, entry.record.first_sample + entry.record.samples
        skip = given - first if given - first > tolerance else 0
        if end > given and end > first:
            runs.append(Run(entry, skip, first + skip, end - first - skip))
            given = end
    return runs


def _without(run: Run, others: list[Run]) -> Iterator[Run]:
    """Yield the parts of a run that none of the others gives."""
    given, end = run.first, run.first + run.samples
    place = bisect_right(others, given, key=_end_of)
    while place < len(others) and others[place].first < end:
        if others[place].first > given:
            yield _part(run, given, others[place].first)
        given = _end_of(others[place])
        place += 1
    if given < end:
        yield _part(run, given, end)


def _end_of(run: Run) -> int:
    return run.first + run.samples


def _part(run: Run, first: int, end: int) -> Run:
    return Run(run.stored, run.skip + first - run.first, first, end - first)
