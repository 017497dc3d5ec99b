"""Computes from a call's records when a recording has reached its `max_length`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.capture.clock import Origin
from chalicelib.capture.records import Record
from chalicelib.recording import intervals
from chalicelib.recording.model import Interval

_STALL_US = 2_000_000
"""after this time missing samples are a hole, and no longer late"""

_EARLIER_US = 1_000_000
"""a recording that began this long before the stream was first captured elsewhere"""


class _SourceExtent:
    """Where a source begins after its stream's beginning, and where it ends so far.

    Most streams have one source; an RTP sender that restarts is another one.
    """

    def __init__(self, first: Record) -> None:
        self._origin = Origin(first.least_lateness_us, first.arrived_at_us)
        self._reached_us = 0

    @property
    def end_us(self) -> int:
        """Return the end of its last sample."""
        return self.lateness_us + self._reached_us

    @property
    def lateness_us(self) -> int:
        """Return how late the stream's position 0 came."""
        return round(self._origin.lateness_us)

    def note(self, record: Record, rate_hz: int) -> None:
        """Take a record."""
        self._origin.follow(record.least_lateness_us, record.arrived_at_us)
        end_us = (record.first_sample + record.samples) * 1_000_000 // rate_hz
        self._reached_us = max(self._reached_us, end_us)


class StreamExtent:
    """A stream's origin on the wall clock, as finalization will compute it, and its end so far."""

    def __init__(self, opened_us: int, rate_hz: int) -> None:
        self._opened_us = opened_us
        self._rate_hz = rate_hz
        self._sources: dict[int, _SourceExtent] = {}

    @property
    def has_media(self) -> bool:
        """Whether a record has come."""
        return bool(self._sources)

    def note(self, records: Iterable[Record]) -> None:
        """Take the stream's records of a batch."""
        for record in records:
            source = self._sources.get(record.source)
            if source is None:
                source = self._sources[record.source] = _SourceExtent(record)
            source.note(record, self._rate_hz)

    def end_of(
        self, length_us: int, started_us: int, now_us: int, shown: Sequence[Interval] = ()
    ) -> int | None:
        """Return when a recording of this length ended; None while it may still get samples.

        `started_us` is when the recording began, on the worker that captured it first; `shown` are
        the intervals of the call that it shows, the last one open.
        """
        if not self._sources:
            return None
        origin_us = self._opened_us + min(one.lateness_us for one in self._sources.values())
        is_older = started_us < self._opened_us - _EARLIER_US
        begun_us = started_us if is_older else origin_us
        resumed_us = shown[-1].from_us if shown else None
        end_us = begun_us if resumed_us is None else resumed_us
        end_us += length_us - intervals.shown_us(shown, begun_us)
        reached_us = self._opened_us + max(one.end_us for one in self._sources.values())
        is_over = reached_us >= end_us or now_us >= end_us + _STALL_US
        return end_us if is_over else None


def earliest_end(
    extents: Iterable[StreamExtent],
    length_us: int,
    started_us: int,
    now_us: int,
    shown: Sequence[Interval] = (),
) -> int | None:
    """Return when a recording of this length ended; None while any stream of its call may still
    bring samples of it. Streams that never had media don't count."""
    ends = [one.end_of(length_us, started_us, now_us, shown) for one in extents if one.has_media]
    known = [end_us for end_us in ends if end_us is not None]
    return min(known) if known and len(known) == len(ends) else None
