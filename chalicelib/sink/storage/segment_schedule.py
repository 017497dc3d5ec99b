"""Decides when each call's next segment is due: every 100 s by default. Time is a number."""

from __future__ import annotations

from chalicelib.sink.runtime.limits import Limits


class SegmentSchedule:
    """The times at which calls' segments are due, spread over the period."""

    def __init__(self, limits: Limits) -> None:
        self._every_s = limits.segment_every_s
        self._beat_s = limits.journal_every_s
        self._due_s: dict[str, float] = {}

    def begin(self, key: str, now_s: float) -> None:
        """Schedule the first segment of a call."""
        self._due_s[key] = now_s + self._every_s

    def forget(self, key: str) -> None:
        """Forget a call that is over."""
        del self._due_s[key]

    def due(self, now_s: float) -> list[str]:
        """Return the calls whose segments are due, and schedule their next ones.

        At most twice the usual number is returned per beat; the others are due at the next beat.
        Otherwise calls that began together would all burden the store and the spool together.
        """
        most = 1 + round(2 * len(self._due_s) * self._beat_s / self._every_s)
        due = [key for key, due_s in self._due_s.items() if due_s < now_s][:most]
        for key in due:
            self._due_s[key] = max(self._due_s[key], now_s - self._beat_s) + self._every_s
        return due
