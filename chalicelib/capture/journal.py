"""Which journal objects must be read for a call: those that its segments don't cover.

A segment says up to which journal number it and its forerunners cover their call. A number may be
missing (its put failed, or died with the worker), so a reader gives up only after five in a row.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.capture.container import StoredIndex

MISSING_NUMBERS_SKIPPED = 4
"""as many puts as a worker has in flight"""


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
