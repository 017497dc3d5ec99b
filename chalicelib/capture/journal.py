"""Which journal objects must be read for a call: those that its segments don't cover.

A segment says up to which journal number it and its forerunners cover their call. What is stored
from there on is listed, not guessed by its numbers: a put may have failed, or died with the worker,
and of a call that was silent for minutes the sweeper may have deleted hundreds in a row, because
they held other calls' media only.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.capture.container import StoredIndex


def journal_start(journal_from: int, indexes: Iterable[StoredIndex], worker: str) -> int:
    """Return the first journal number of a worker that its segments of one call don't cover.

    `journal_from` is the first that may hold the call's media at all.
    """
    through = [index.journal_through for index in indexes if index.worker == worker]
    return max([journal_from, *(number + 1 for number in through)])
