"""When each call's next segment is due; time is a number. A call's *minute* is what a segment
holds, 100 s by default."""

from __future__ import annotations

from chalicelib.sink.runtime.limits import Limits


class SegmentSchedule:
    """Every call's minutes, which end apart from each other."""

    def __init__(self, limits: Limits) -> None:
        self._every_s = limits.segment_every_s
        self._beat_s = limits.journal_every_s
        self._due_s: dict[str, float] = {}

    def begin(self, key: str, now_s: float) -> None:
        """Begin a call's first minute."""
        self._due_s[key] = now_s + self._every_s

    def forget(self, key: str) -> None:
        """Forget a call that is over."""
        del self._due_s[key]

    def over(self, now_s: float) -> list[str]:
        """Return the calls whose minute is over, and begin their next one; of a beat's twice as
        many as usually are, the others next time: calls that began all at once would end their
        minutes all at once, and the store and the spool would be asked for all of it."""
        most = 1 + round(2 * len(self._due_s) * self._beat_s / self._every_s)
        over = [key for key, due_s in self._due_s.items() if due_s < now_s][:most]
        for key in over:
            self._due_s[key] = max(self._due_s[key], now_s - self._beat_s) + self._every_s
        return over
