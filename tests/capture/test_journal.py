"""Which journal objects are read for a call."""

from __future__ import annotations

from chalicelib.capture.container import StoredIndex
from chalicelib.capture.container_index import Kind
from chalicelib.capture.journal import journal_start


def index(worker: str, journal_through: int) -> StoredIndex:
    """Return an empty segment's index."""
    return StoredIndex(
        kind=Kind.SEGMENT, worker=worker, journal_through=journal_through, heads=(), entries=()
    )


def test_begins_after_what_segments_cover() -> None:
    """The highest number that a segment of this worker covers decides."""

    assert 61 == journal_start(5, [index("w1", 30), index("w1", 60), index("w2", 99)], "w1")


def test_begins_where_the_stream_did() -> None:
    """Without a segment, or with one of an earlier stream only, the stream's own number counts."""

    assert 5 == journal_start(5, [], "w1")
    assert 5 == journal_start(5, [index("w1", -1), index("w1", 2)], "w1")
