"""Which segments of a call a worker stored."""

from __future__ import annotations


class SegmentNumbers:
    """The numbers that were used, as long as none between them was skipped."""

    def __init__(self) -> None:
        self.following = 0
        """to be tried for the next one"""
        self._first: int | None = None
        self._is_whole = True

    def note(self, following: int) -> None:
        """Take note of a segment that was stored under the number before `following`."""
        used = following - 1
        if self._first is None:
            self._first = used
        self._is_whole &= used in (self._first, self.following)
        self.following = following

    @property
    def told(self) -> tuple[int, int] | None:
        """Return the first and the one after the last; None where they have to be listed."""
        first = self.following if self._first is None else self._first
        return (first, self.following) if self._is_whole else None
