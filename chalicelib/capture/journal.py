"""The law of the journal: what one commit holds, what may be deleted, what must be read.

A commit takes a journal number, then its object is put; a segment says up to which number it and
its forerunners cover their call (`journal_through`). A number may be missing (its put failed, or
died with the worker), so a reader gives up only after five of them in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.capture.container import StoredIndex
from chalicelib.capture.record import Record, StreamHead

LARGEST_COMMIT_BYTES = 8 * 1024 * 1024
MISSING_NUMBERS_SKIPPED = 4
"""as many puts as a worker has in flight"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one journal object holds."""

    heads: tuple[StreamHead, ...]
    records: tuple[Record, ...]
    call_keys: frozenset[str]


def commits(
    cuts: Iterable[tuple[StreamHead, Sequence[Record]]], largest_bytes: int = LARGEST_COMMIT_BYTES
) -> list[Commit]:
    """Return what was cut from all streams as journal objects, each up to a size in payload bytes.

    A stream without records is left out; a single larger record has an object of its own.
    """
    grouped: list[Commit] = []
    heads: dict[str, StreamHead] = {}
    records: list[Record] = []
    size = 0
    for head, cut in cuts:
        for record in cut:
            if records and size + len(record.payload) > largest_bytes:
                grouped.append(_commit(heads, records))
                heads, records, size = {}, [], 0
            heads[head.stream_key] = head
            records.append(record)
            size += len(record.payload)
    if records:
        grouped.append(_commit(heads, records))
    return grouped


def _commit(heads: dict[str, StreamHead], records: list[Record]) -> Commit:
    return Commit(
        heads=tuple(heads.values()),
        records=tuple(records),
        call_keys=frozenset(head.call_key for head in heads.values()),
    )


class Coverage:
    """Which of a worker's journal numbers still hold what no segment does."""

    def __init__(self) -> None:
        self._oldest: dict[str, int] = {}
        self._newest: dict[str, int] = {}

    def committed(self, number: int, call_keys: Iterable[str]) -> None:
        """Note, before the put, that a journal number holds media of these calls."""
        for call_key in call_keys:
            self._oldest.setdefault(call_key, number)
            self._newest[call_key] = number

    def covered(self, call_key: str, through: int) -> None:
        """Note that segments of a call, stored now, cover the journal up to a number."""
        if call_key not in self._oldest:
            return
        if self._newest[call_key] <= through:
            self.forget(call_key)
        else:
            self._oldest[call_key] = max(self._oldest[call_key], through + 1)

    def forget(self, call_key: str) -> None:
        """Note that nobody wants what the journal holds of a call."""
        self._oldest.pop(call_key, None)
        self._newest.pop(call_key, None)

    def safe_below(self, next_number: int) -> int:
        """Return the number below which the journal may go; `next_number` isn't given yet."""
        return min(self._oldest.values(), default=next_number)


def journal_start(journal_from: int, indexes: Iterable[StoredIndex], worker: str) -> int:
    """Return the first journal number of a worker that its segments of one call don't cover.

    `journal_from` is the first that may hold the call's media at all.
    """
    through = [index.journal_through for index in indexes if index.worker == worker]
    return max([journal_from, *(number + 1 for number in through)])


class JournalWalk:
    """Which journal number to read next, until five in a row are missing."""

    def __init__(self, first: int) -> None:
        self.number = first
        self._missing = 0

    @property
    def is_over(self) -> bool:
        """Tell whether nothing can follow."""
        return self._missing > MISSING_NUMBERS_SKIPPED

    def found(self) -> None:
        """Go on after an object that was there."""
        self.number += 1
        self._missing = 0

    def missed(self) -> None:
        """Go on after a number that has no object."""
        self.number += 1
        self._missing += 1
