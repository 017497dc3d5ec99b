"""The live side of capture: a stream's messages in, records out; 50 times a second for each track.

A message is weighed as it comes and leaves nothing behind but its payload. Keeping more of it for
the cut costs more: with 500 calls whatever is kept for a second has left the processor's caches
before it is read again. (One buffer a run instead of a list: its growing costs 0.3 µs a message.)
Nothing is decoded and nothing is decided: a run ends at a cut or where the arrival pauses, so that
assembly can open a gap there to the sample.
"""

from __future__ import annotations

import msgspec

from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.reordering import PlacedRun

SHORTEST_PAUSE_US = 15_000
"""a message this much later than its run starts another: less than a frame of 20 ms, so that a
single lost one has its gap in the right place"""
LONGEST_PAUSE_US = 240_000
MOST_RUNS = 4
"""of one cut; where jitter makes more, only longer pauses count for a while: a record costs 80
bytes of index"""
LATE_US = 40_000

_FAR = 1 << 62


def bytes_per_sample(encoding: Encoding) -> int:
    """Return how many bytes of payload a sample takes."""
    return 2 if encoding is Encoding.L16 else 1


class TrackRun:
    """One track of one live stream."""

    __slots__ = (
        "_arrived_at_us",
        "_due_us",
        "_encoding",
        "_first_number",
        "_head",
        "_highest_number",
        "_last_number",
        "_last_payload",
        "_last_sequence",
        "_least_us",
        "_limit_us",
        "_pause_us",
        "_payloads",
        "_records",
        "_sequence",
        "_unnumbered",
        "_us_per_byte",
        "duplicated",
        "late",
        "numbered",
        "received",
        "reordered",
        "samples",
        "track",
    )

    def __init__(self, head: StreamHead, track: Track, encoding: Encoding) -> None:
        self.track = track
        self.samples = 0
        """in records so far; the position of the next one"""
        self.received = 0
        self.numbered = 0
        self.late = 0
        self.reordered = 0
        self.duplicated = 0
        self._head = head
        self.encoding = encoding
        self._records: list[Record] = []
        """ended by a pause, waiting for the cut"""
        self._payloads: list[bytes] = []
        self._unnumbered = 0
        self._arrived_at_us = 0
        self._sequence: int | None = None
        self._last_sequence: int | None = None
        self._due_us: float = head.opened_at_us
        """where the payload so far ends, had it come without delay"""
        self._least_us: float = _FAR
        self._limit_us: float = _FAR
        self._pause_us = SHORTEST_PAUSE_US
        self._first_number: int | None = None
        self._highest_number = -1
        """without the last one"""
        self._last_number = _FAR
        self._last_payload = b""
        """of the last message of an ended run"""

    @property
    def encoding(self) -> Encoding:
        """Return the encoding of its records.

        May be corrected until the first cut, for dialects that don't say it in band; to one of
        another width before the first message only.
        """
        return self._encoding

    @encoding.setter
    def encoding(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._us_per_byte = 1_000_000 / (self._head.rate_hz * bytes_per_sample(encoding))

    def add(
        self,
        payload: bytes,
        arrival_us: int,
        sequence: int | None = None,
        _offset: int | None = None,
    ) -> None:
        """Take one message; `arrival_us` is on the clock that the head's `opened_at_us` is on."""
        if sequence is not None:
            if sequence <= self._last_number and self._is_copy(payload, sequence):
                return
            self._last_number = sequence
        self._due_us = due_us = self._due_us + len(payload) * self._us_per_byte
        lateness_us = arrival_us - due_us
        if lateness_us >= self._limit_us:
            self._pause(lateness_us)
        elif lateness_us < self._least_us:
            self._least_us = lateness_us
            self._limit_us = min(self._limit_us, lateness_us + self._pause_us)
        payloads = self._payloads
        if not payloads:
            self._arrived_at_us = arrival_us
            self._sequence = sequence
        self._last_sequence = sequence
        if sequence is None:
            self._unnumbered += 1
        payloads.append(payload)

    def pass_over(self, size: int, sequence: int | None = None) -> None:
        """Count a message of this size and keep nothing of it: what follows has its exact place.

        Nothing may wait for a cut meanwhile.
        """
        if sequence is not None:
            if sequence <= self._last_number and self._is_copy(b"", sequence):
                return
            self._last_number = self._last_sequence = sequence
            self._last_payload = b""
            self.numbered += 1
        self.received += 1
        self.samples += size // bytes_per_sample(self.encoding)
        self._due_us += size * self._us_per_byte

    def cut(self) -> list[Record]:
        """Return what came since the last cut as records, one for each run without a pause."""
        if not self._payloads:
            return []
        self._end_run()
        records, self._records = self._records, []
        self._adapt(len(records))
        self._limit_us = self._least_us + self._pause_us
        self._least_us = _FAR
        head = self._head
        self._due_us = head.opened_at_us + self.samples * 1_000_000 / head.rate_hz
        return records

    def span(self) -> tuple[int, int] | None:
        """Return the lowest and highest number so far; None where the dialect has none."""
        if self._first_number is None:
            return None
        return self._first_number, max(self._highest_number, self._last_number)

    def _pause(self, lateness_us: float) -> None:
        """End the run before a message that came so late."""
        self.late += lateness_us >= self._limit_us - self._pause_us + LATE_US
        if self._payloads:
            self._end_run()
        self._least_us = lateness_us
        self._limit_us = lateness_us + self._pause_us

    def _end_run(self) -> None:
        payloads, self._payloads = self._payloads, []
        payload = b"".join(payloads)
        samples = len(payload) // bytes_per_sample(self._encoding)
        self._records.append(
            Record(
                stream_key=self._head.stream_key,
                track=self.track,
                encoding=self._encoding,
                first_sample=self.samples,
                samples=samples,
                arrived_at_us=self._arrived_at_us,
                least_lateness_us=round(self._least_us),
                sequence=self._sequence,
                last_sequence=self._last_sequence,
                messages=len(payloads),
                payload=payload,
            )
        )
        self.samples += samples
        self.received += len(payloads)
        self.numbered += len(payloads) - self._unnumbered
        self._unnumbered = 0
        self._last_payload = payloads[-1]

    def _adapt(self, runs: int) -> None:
        if runs > MOST_RUNS:
            self._pause_us = min(2 * self._pause_us, LONGEST_PAUSE_US)
        else:
            self._pause_us = max(self._pause_us * 9 // 10, SHORTEST_PAUSE_US)

    def _is_copy(self, payload: bytes, number: int) -> bool:
        """Count a number that doesn't grow; tell whether the message is the one before again.

        A number alone proves nothing (a carrier that counts nothing could send the same one for
        ever): a copy has the number and the bytes of the one before, in a stream that does count.
        """
        first, last = self._first_number, self._last_number
        if first is None:
            self._first_number = number
            return False
        self._highest_number = max(self._highest_number, last)
        is_counting = first != self._highest_number
        before = self._payloads[-1] if self._payloads else self._last_payload
        if is_counting and number == self._last_sequence and payload == before:
            self.duplicated += 1
            self.received += 1
            return True
        self.reordered += number < last
        self._first_number = min(first, number)
        return False


LiveRun = TrackRun | PlacedRun
"""a track by when its messages arrive, or by the time that they tell"""


class StreamCapture:
    """All tracks of one live stream, and its counts."""

    __slots__ = ("_head", "refused", "tracks")

    def __init__(self, head: StreamHead) -> None:
        self._head = head
        self.tracks: dict[Track, LiveRun] = {}
        self.refused = 0
        """malformed messages that were answered and left out; the shell counts them"""

    def track(self, track: Track, encoding: Encoding) -> LiveRun:
        """Return the track's run, a new one for its first message."""
        run = self.tracks.get(track)
        if run is None:
            make = TrackRun if self._head.clock is Clock.ARRIVAL else PlacedRun
            run = self.tracks[track] = make(self._head, track, encoding)
        return run

    def cut(self) -> list[Record]:
        """Return what came since the last cut, track by track."""
        return [record for run in self.tracks.values() for record in run.cut()]

    def head(self) -> StreamHead:
        """Return the stream's head with its counts up to the last cut."""
        runs = list(self.tracks.values())
        return msgspec.structs.replace(
            self._head,
            messages_received=sum(run.received for run in runs),
            messages_lost=_lost(runs),
            messages_late=sum(run.late for run in runs),
            messages_reordered=sum(run.reordered for run in runs),
            messages_duplicated=sum(run.duplicated for run in runs),
            messages_refused=self.refused
            + sum(run.misplaced for run in runs if isinstance(run, PlacedRun)),
        )


def _lost(runs: list[LiveRun]) -> int:
    """Return how many messages the carrier's numbers miss.

    Whether a carrier counts each track or the whole stream is not documented: numbers that all
    tracks' messages could share without a double are the stream's, others each track's own.
    """
    counted = [(run.numbered, span) for run in runs if (span := run.span()) is not None]
    if not counted:
        return 0
    numbered = sum(count for count, _ in counted)
    stream = max(span[1] for _, span in counted) - min(span[0] for _, span in counted) + 1
    if stream >= numbered:
        return stream - numbered
    return sum(max(0, span[1] - span[0] + 1 - count) for count, span in counted)
