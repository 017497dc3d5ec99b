"""A segment that isn't stored yet: its batches first, then its bytes in the spool, then a put."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from chalicelib.sink.storage.batch import Batch
from chalicelib.sink.storage.segment_store import LostMedia
from chalicelib.sink.storage.spool import SpooledSegment


class SegmentState(Enum):
    """How far a segment has come."""

    SEALED = "sealed"
    """its batches are known; nothing is encoded"""
    WAITING = "waiting"
    """its bytes wait in the spool"""
    STORING = "storing"
    """the store is asked to take it"""
    DONE = "done"
    """it is stored, or no recording needs it"""


class SegmentEvent(Enum):
    """What happens to a segment."""

    SPOOLED = "spooled"
    """its bytes went to the spool"""
    REPLACED = "replaced"
    """its media is lost; bytes that only say so went to the spool"""
    PUT_BEGAN = "put_began"
    PUT_ABANDONED = "put_abandoned"
    """its task was cancelled, or failed"""
    STORED = "stored"
    DISCARDED = "discarded"


TRANSITIONS: Mapping[tuple[SegmentState, SegmentEvent], SegmentState] = MappingProxyType(
    {
        (SegmentState.SEALED, SegmentEvent.SPOOLED): SegmentState.WAITING,
        (SegmentState.SEALED, SegmentEvent.REPLACED): SegmentState.WAITING,
        (SegmentState.SEALED, SegmentEvent.DISCARDED): SegmentState.DONE,
        (SegmentState.WAITING, SegmentEvent.PUT_BEGAN): SegmentState.STORING,
        (SegmentState.WAITING, SegmentEvent.DISCARDED): SegmentState.DONE,
        (SegmentState.STORING, SegmentEvent.PUT_ABANDONED): SegmentState.WAITING,
        (SegmentState.STORING, SegmentEvent.REPLACED): SegmentState.WAITING,
        (SegmentState.STORING, SegmentEvent.STORED): SegmentState.DONE,
    }
)
"""every other pair is a fault of this program"""


class PendingSegment:
    """One segment of a call, from its sealing to its end."""

    __slots__ = ("batches", "first_number", "lost_media", "size", "spooled", "state", "through")

    def __init__(self, batches: list[Batch], through: int) -> None:
        self.state = SegmentState.SEALED
        self.batches = batches
        self.through = through
        """the journal number up to which it covers its call"""
        self.size = sum(batch.size for batch in batches)
        self.spooled: SpooledSegment | None = None
        """its bytes, once they are encoded"""
        self.lost_media: LostMedia | None = None
        """what to store in its place should its file become unreadable"""
        self.first_number: int | None = None
        """of the first journal object that holds one of its batches"""

    @property
    def is_storing(self) -> bool:
        """Whether the store is asked to take it."""
        return self.state is SegmentState.STORING

    def settle(self) -> None:
        """Learn its first journal number; drop the batches that nothing can happen to."""
        if self.first_number is None:
            numbers = (batch.number for batch in self.batches if batch.number is not None)
            self.first_number = next(numbers, None)
        is_encoded = self.state is not SegmentState.SEALED
        if is_encoded and all(batch.is_settled for batch in self.batches):
            self.batches = []

    def spool(self, spooled: SpooledSegment) -> None:
        """Take its bytes."""
        self.state = TRANSITIONS[self.state, SegmentEvent.SPOOLED]
        if spooled.file is not None:
            self.lost_media = LostMedia.of(self.batches)
        self.spooled = spooled
        for batch in self.batches:
            batch.spool()

    def replace(self, spooled: SpooledSegment) -> None:
        """Take bytes that say what is lost, in the place of its media."""
        self.state = TRANSITIONS[self.state, SegmentEvent.REPLACED]
        self.spooled = spooled
        self._cover()

    def begin_put(self) -> SpooledSegment:
        """Return what the store is asked to take."""
        assert self.spooled is not None
        self.state = TRANSITIONS[self.state, SegmentEvent.PUT_BEGAN]
        return self.spooled

    def abandon_put(self) -> None:
        """Note that the put has no result."""
        self.state = TRANSITIONS[self.state, SegmentEvent.PUT_ABANDONED]

    def finish(self) -> None:
        """Note that it is stored."""
        self.state = TRANSITIONS[self.state, SegmentEvent.STORED]
        self._cover()

    def discard(self) -> None:
        """Note that no recording needs it."""
        self.state = TRANSITIONS[self.state, SegmentEvent.DISCARDED]
        self._cover()

    def _cover(self) -> None:
        for batch in self.batches:
            batch.cover()
