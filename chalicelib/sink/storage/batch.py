"""What one call received between two beats of the worker, and who still needs its media.

A batch is referenced, never copied: the journal holds it until its object is encoded, the call's
buffer until a segment's bytes have it. The table below says when its media can be released.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType

from chalicelib.capture.records import Record, StreamHead


class BatchState(Enum):
    """Which copies of a batch exist."""

    OPEN = "open"
    """none: both the journal and a segment need its media"""
    JOURNALED = "journaled"
    """a journal object has it; a segment needs its media"""
    SPOOLED = "spooled"
    """a segment's bytes have it; the journal needs its media"""
    RELEASED = "released"
    """a segment's bytes have it, and the journal has it or left it out"""
    COVERED = "covered"
    """a stored segment has it, or no recording needs it, or it is lost"""


class BatchEvent(Enum):
    """What happens to a batch."""

    JOURNALED = "journaled"
    """the journal put it into an object"""
    LEFT_OUT = "left_out"
    """the journal left it out: a segment's bytes, or a stored segment, have it"""
    SPOOLED = "spooled"
    """it became part of a segment's bytes"""
    COVERED = "covered"
    """a segment that has it was stored, or nothing will be"""


TRANSITIONS: Mapping[tuple[BatchState, BatchEvent], BatchState] = MappingProxyType(
    {
        (BatchState.OPEN, BatchEvent.JOURNALED): BatchState.JOURNALED,
        (BatchState.OPEN, BatchEvent.SPOOLED): BatchState.SPOOLED,
        (BatchState.OPEN, BatchEvent.COVERED): BatchState.COVERED,
        (BatchState.JOURNALED, BatchEvent.SPOOLED): BatchState.RELEASED,
        (BatchState.JOURNALED, BatchEvent.COVERED): BatchState.COVERED,
        (BatchState.SPOOLED, BatchEvent.JOURNALED): BatchState.RELEASED,
        (BatchState.SPOOLED, BatchEvent.LEFT_OUT): BatchState.RELEASED,
        (BatchState.SPOOLED, BatchEvent.COVERED): BatchState.COVERED,
        (BatchState.RELEASED, BatchEvent.COVERED): BatchState.COVERED,
        (BatchState.COVERED, BatchEvent.LEFT_OUT): BatchState.COVERED,
        (BatchState.COVERED, BatchEvent.SPOOLED): BatchState.COVERED,
        (BatchState.COVERED, BatchEvent.COVERED): BatchState.COVERED,
    }
)
"""every other pair is a fault of this program"""

_WITHOUT_MEDIA = (BatchState.RELEASED, BatchState.COVERED)


class Batch:
    """What one call received since its last batch."""

    __slots__ = ("heads", "number", "records", "size", "state")

    def __init__(self, heads: list[StreamHead], records: list[Record]) -> None:
        self.heads = heads
        self.records = records
        self.size = sum(len(record.payload) for record in records)
        self.state = BatchState.OPEN
        self.number: int | None = None
        """of the journal object that holds it"""

    @property
    def is_covered(self) -> bool:
        """Whether the journal has no reason to store it."""
        return self.state is BatchState.COVERED

    @property
    def is_settled(self) -> bool:
        """Whether its number won't change: the journal has stored it, or never will."""
        return self.state not in (BatchState.OPEN, BatchState.SPOOLED)

    def journal(self, number: int) -> None:
        """Note that the journal put it into an object."""
        self.number = number
        self._apply(BatchEvent.JOURNALED)

    def leave_out(self) -> bool:
        """Leave it out of the journal where another copy is enough; return whether it is."""
        if self.state is BatchState.OPEN:
            return False
        self._apply(BatchEvent.LEFT_OUT)
        return True

    def spool(self) -> None:
        """Note that a segment's bytes have it."""
        self._apply(BatchEvent.SPOOLED)

    def cover(self) -> None:
        """Release the media: no further copy is needed."""
        self._apply(BatchEvent.COVERED)

    def _apply(self, event: BatchEvent) -> None:
        self.state = TRANSITIONS[self.state, event]
        if self.state in _WITHOUT_MEDIA:
            self.heads, self.records = [], []


def newest_heads(batches: Sequence[Batch]) -> list[StreamHead]:
    """Return the head of each stream with its latest counts."""
    return list({head.stream_key: head for batch in batches for head in batch.heads}.values())


def all_records(batches: Sequence[Batch]) -> list[Record]:
    """Return what batches hold, in order."""
    return [record for batch in batches for record in batch.records]
