"""The live side of a track whose messages tell their own time: in any order, each in its place.

A message's position is its offset; arrival only says whether the carrier still counts from the same
zero. What came since the last cut is sorted and joined where it is contiguous, so a late message
fills its hole, in the same cut or as a record of its own, and a copy is left out.

Times in milliseconds are rounded: up to 5 ms between the end of one message and the next are no
hole. A carrier that counts samples is taken at its word.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from operator import attrgetter

import msgspec

from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.media.codecs import bytes_per_sample

TOLERANCE_MS = 5
"""of a timestamp; carriers send by a frame clock, so a smaller step is their rounding"""
MOST_STEP_US = 60_000_000
"""a step of lateness beyond this: the carrier counts from another zero. Carriers that catch up
after a stall send up to 40 s at once"""
PROBATION = 3
"""messages in a row that show another zero; a single one is only refused"""
REMEMBERED = 256
"""offsets of the latest messages, to know copies: 5 s of 20 ms each"""
LATE_US = 40_000

_by_offset = attrgetter("offset")


class Placed(msgspec.Struct, frozen=True, gc=False):
    """A message in its place."""

    offset: int
    samples: int
    payload: bytes
    arrival_us: int
    sequence: int | None


def tolerance(head: StreamHead) -> int:
    """Return how many samples a stream's offsets may be off."""
    return TOLERANCE_MS * head.rate_hz // 1000 if head.clock is Clock.TIMESTAMP else 0


class PlacedRun:
    """One track of one live stream."""

    def __init__(self, head: StreamHead, track: Track, encoding: Encoding) -> None:
        self.track = track
        self.encoding = encoding
        self.samples = 0
        """in records so far"""
        self.received = 0
        self.numbered = 0
        self.late = 0
        self.reordered = 0
        self.duplicated = 0
        self.misplaced = 0
        """messages whose offsets fit neither the stream's zero nor a new one; left out"""
        self._head = head
        self._tolerance = tolerance(head)
        self._pending: list[tuple[int, Placed]] = []
        """with their source, waiting for the cut"""
        self.source = 0
        """which of the carrier's zeros the offsets count from"""
        self._known: OrderedDict[int, None] = OrderedDict()
        self._lateness_us: int | None = None
        self._end = 0
        """of what came so far"""
        self._strays: list[Placed] = []
        self._first_number: int | None = None
        self._last_number = 0

    def add(
        self,
        payload: bytes,
        arrival_us: int,
        sequence: int | None = None,
        offset: int | None = None,
    ) -> None:
        """Take one message; one without an offset follows what came so far."""
        self.keep(self.receive(payload, arrival_us, sequence, offset))

    def receive(
        self, payload: bytes, arrival_us: int, sequence: int | None, offset: int | None
    ) -> Sequence[Placed]:
        """Count a message; return what it brings: mostly itself, nothing where it is a copy."""
        samples = len(payload) // bytes_per_sample(self.encoding)
        place = self._end if offset is None else offset
        one = Placed(place, samples, payload, arrival_us, sequence)
        if not samples:
            return ()
        if self._keeps_step(one):
            self.misplaced += len(self._strays)
            self._strays = []
            return self._take(one)
        return self._stray(one)

    def keep(self, placed: Sequence[Placed]) -> None:
        """Keep received messages for the next cut."""
        self._pending += [(self.source, one) for one in placed]

    def cut(self) -> list[Record]:
        """Return what came since the last cut as records, one for each contiguous run."""
        pending, self._pending = self._pending, []
        records: list[Record] = []
        for source in sorted({source for source, _ in pending}):
            own = sorted((one for of, one in pending if of == source), key=_by_offset)
            records += [self._record(run, source) for run in self._contiguous(own)]
        self.samples += sum(record.samples for record in records)
        return records

    def span(self) -> tuple[int, int] | None:
        """Return the lowest and highest number so far; None where the dialect has none."""
        return None if self._first_number is None else (self._first_number, self._last_number)

    def _lateness(self, one: Placed) -> int:
        end_us = (one.offset + one.samples) * 1_000_000 // self._head.rate_hz
        return one.arrival_us - self._head.opened_at_us - end_us

    def _keeps_step(self, one: Placed) -> bool:
        before = self._lateness_us
        return before is None or abs(self._lateness(one) - before) < MOST_STEP_US

    def _stray(self, one: Placed) -> Sequence[Placed]:
        """Hold a message that is out of step; several that agree begin another count."""
        last = self._strays[-1] if self._strays else one
        if abs(self._lateness(one) - self._lateness(last)) >= MOST_STEP_US:
            self.misplaced += len(self._strays)
            self._strays = []
        self._strays.append(one)
        if len(self._strays) < PROBATION:
            return ()
        held, self._strays = self._strays, []
        self.source += 1
        self._known.clear()
        self._lateness_us, self._end = None, 0
        return [taken for stray in held for taken in self._take(stray)]

    def _take(self, one: Placed) -> Sequence[Placed]:
        self.received += 1
        if one.offset in self._known:
            self.duplicated += 1
            return ()
        self._known[one.offset] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        lateness_us, before = self._lateness(one), self._lateness_us
        self.late += before is not None and lateness_us - before >= LATE_US
        self._lateness_us = lateness_us
        end = one.offset + one.samples
        self.reordered += before is not None and end <= self._end
        self._end = max(self._end, end) if before is not None else end
        self._note_number(one.sequence)
        return (one,)

    def _note_number(self, number: int | None) -> None:
        if number is None:
            return
        self.numbered += 1
        first = self._first_number
        self._first_number = number if first is None else min(first, number)
        self._last_number = max(self._last_number, number)

    def _contiguous(self, ordered: Sequence[Placed]) -> Iterator[Sequence[Placed]]:
        begin, end = 0, ordered[0].offset
        for place, one in enumerate(ordered):
            if abs(one.offset - end) > self._tolerance:
                yield ordered[begin:place]
                begin, end = place, one.offset
            end += one.samples
        yield ordered[begin:]

    def _record(self, run: Sequence[Placed], source: int) -> Record:
        width = bytes_per_sample(self.encoding)
        return Record(
            stream_key=self._head.stream_key,
            track=self.track,
            encoding=self.encoding,
            first_sample=run[0].offset,
            samples=sum(one.samples for one in run),
            arrived_at_us=min(one.arrival_us for one in run),
            least_lateness_us=min(map(self._lateness, run)),
            sequence=run[0].sequence,
            last_sequence=run[-1].sequence,
            messages=len(run),
            payload=b"".join([one.payload[: one.samples * width] for one in run]),
            source=source,
        )
