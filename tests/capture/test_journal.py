"""Which journal objects are read for a call."""

from __future__ import annotations

from chalicelib.capture.container import Kind, StoredIndex
from chalicelib.capture.journal import JournalWalk, journal_start


def index(worker: str, journal_through: int) -> StoredIndex:
    """Return an empty segment's index."""
    return StoredIndex(
        kind=Kind.SEGMENT, worker=worker, journal_through=journal_through, heads=(), entries=()
    )


def read(first: int, there: set[int]) -> list[int]:
    """Return the numbers that a walk finds."""
    walk = JournalWalk(first)
    found = []
    while not walk.is_over:
        if walk.number in there:
            found.append(walk.number)
            walk.found()
        else:
            walk.missed()
    return found


def test_reads_on_after_four_missing_numbers() -> None:
    """As many as a worker has in flight may be missing in a row, again and again."""

    assert [3, 8, 13] == read(3, {3, 8, 13})


def test_ends_at_the_fifth_missing_number() -> None:
    """What lies behind five missing numbers isn't the call's."""

    assert [3] == read(3, {3, 9})
    assert [] == read(0, set())


def test_begins_after_what_segments_cover() -> None:
    """The highest number that a segment of this worker covers decides."""

    assert 61 == journal_start(5, [index("w1", 30), index("w1", 60), index("w2", 99)], "w1")


def test_begins_where_the_stream_did() -> None:
    """Without a segment, or with one of an earlier stream only, the stream's own number counts."""

    assert 5 == journal_start(5, [], "w1")
    assert 5 == journal_start(5, [index("w1", -1), index("w1", 2)], "w1")
