"""The live side of capture: a stream's messages in, records out; 50 times a second for each track.

A message is only put on a list. What costs thought (lateness, pauses, numbers) waits for the cut,
once a second, where a loop over local names is cheap. Nothing is decoded and nothing is decided: a
run ends at a cut or where the arrival pauses, so that assembly can open a gap there to the sample.
"""

from __future__ import annotations

import msgspec

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.record import Record, StreamHead

SHORTEST_PAUSE_US = 15_000
"""a message this much later than its run starts another: less than a frame of 20 ms, so that a
single lost one has its gap in the right place"""
LONGEST_PAUSE_US = 240_000
MOST_RUNS = 4
"""of one cut; where jitter makes more, only longer pauses count for a while: a record costs 80
bytes of index"""
LATE_US = 40_000

_Message = tuple[bytes, int, int | None]

_FAR = 1 << 62


def bytes_per_sample(encoding: Encoding) -> int:
    """Return how many bytes of payload a sample takes."""
    return 2 if encoding is Encoding.L16 else 1


class TrackRun:
    """One track of one live stream."""

    __slots__ = (
        "_first_sequence",
        "_head",
        "_highest_sequence",
        "_last",
        "_limit_us",
        "_pause_us",
        "_pending",
        "duplicated",
        "encoding",
        "late",
        "numbered",
        "received",
        "reordered",
        "samples",
        "track",
    )

    def __init__(self, head: StreamHead, track: Track, encoding: Encoding) -> None:
        self.track = track
        self.encoding = encoding
        """may be corrected until the first cut, for dialects that don't say it in band"""
        self.samples = 0
        """cut so far; the position of the next record"""
        self.received = 0
        self.numbered = 0
        self.late = 0
        self.reordered = 0
        self.duplicated = 0
        self._head = head
        self._pending: list[_Message] = []
        self._last: _Message | None = None
        """the last message that had a number"""
        self._first_sequence: int | None = None
        self._highest_sequence: int | None = None
        self._limit_us: float = _FAR
        self._pause_us = SHORTEST_PAUSE_US

    def add(self, payload: bytes, arrival_us: int, sequence: int | None = None) -> None:
        """Take one message; `arrival_us` is on the clock that the head's `opened_at_us` is on."""
        self._pending.append((payload, arrival_us, sequence))

    def cut(self) -> list[Record]:
        """Return what came since the last cut as records, one for each run without a pause."""
        messages = self._pending
        if not messages:
            return []
        self._pending = []
        self.received += len(messages)
        messages = self._screen(messages)
        if not messages:
            return []
        records: list[Record] = []
        begin = 0
        for end, least_us in self._runs(messages):
            records.append(self._record(messages[begin:end], least_us))
            begin = end
        return records

    def span(self) -> tuple[int, int] | None:
        """Return the lowest and highest number so far; None where the dialect has none."""
        if self._first_sequence is None or self._highest_sequence is None:
            return None
        return self._first_sequence, self._highest_sequence

    def _runs(self, messages: list[_Message]) -> list[tuple[int, float]]:
        """Return where each run ends and its least lateness (its end's arrival - its position)."""
        runs: list[tuple[int, float]] = []
        scale = 1_000_000 / (self._head.rate_hz * bytes_per_sample(self.encoding))
        base = self._head.opened_at_us + self.samples * 1_000_000 / self._head.rate_hz
        pause = self._pause_us
        least: float = _FAR
        limit = self._limit_us
        size = 0
        for place, (payload, arrival_us, _) in enumerate(messages):
            size += len(payload)
            lateness = arrival_us - base - size * scale
            if lateness >= limit:
                self.late += lateness >= limit - pause + LATE_US
                if place:
                    runs.append((place, least))
                least = lateness
                limit = lateness + pause
            elif lateness < least:
                least = lateness
                limit = min(limit, lateness + pause)
        runs.append((len(messages), least))
        self._adapt(len(runs))
        self._limit_us = least + self._pause_us
        return runs

    def _adapt(self, runs: int) -> None:
        if runs > MOST_RUNS:
            self._pause_us = min(2 * self._pause_us, LONGEST_PAUSE_US)
        else:
            self._pause_us = max(self._pause_us * 9 // 10, SHORTEST_PAUSE_US)

    def _record(self, messages: list[_Message], least_us: float) -> Record:
        payload = b"".join([message[0] for message in messages])
        samples = len(payload) // bytes_per_sample(self.encoding)
        _, arrived_at_us, sequence = messages[0]
        record = Record(
            stream_key=self._head.stream_key,
            track=self.track,
            encoding=self.encoding,
            first_sample=self.samples,
            samples=samples,
            arrived_at_us=arrived_at_us,
            least_lateness_us=round(least_us),
            sequence=sequence,
            last_sequence=messages[-1][2],
            messages=len(messages),
            payload=payload,
        )
        self.samples += samples
        return record

    def _screen(self, messages: list[_Message]) -> list[_Message]:
        """Count by the carrier's numbers, and leave out copies."""
        first, last = messages[0][2], messages[-1][2]
        if first is None and last is None:
            return messages
        if first is None or last is None or not self._grows(messages):
            return [message for message in messages if not self._is_copy(message)]
        self._note(first, last, len(messages))
        self._last = messages[-1]
        return messages

    def _grows(self, messages: list[_Message]) -> bool:
        last = -1 if self._highest_sequence is None else self._highest_sequence
        for _, _, number in messages:
            if number is None or number <= last:
                return False
            last = number
        return True

    def _is_copy(self, message: _Message) -> bool:
        """Count a message; tell whether it is the one before again.

        A number alone proves nothing (a carrier that counts nothing could send the same one for
        ever): a copy has the number and the bytes of the one before, in a stream that does count.
        """
        payload, _, number = message
        if number is None:
            return False
        last, self._last = self._last, message
        if last is not None and last[2] is not None:
            is_counting = self._first_sequence != self._highest_sequence
            if is_counting and number == last[2] and payload == last[0]:
                self.duplicated += 1
                return True
            self.reordered += number < last[2]
        self._note(number, number, 1)
        return False

    def _note(self, lowest: int, highest: int, numbered: int) -> None:
        self.numbered += numbered
        first, last = self._first_sequence, self._highest_sequence
        self._first_sequence = lowest if first is None else min(first, lowest)
        self._highest_sequence = highest if last is None else max(last, highest)


class StreamCapture:
    """All tracks of one live stream, and its counts."""

    __slots__ = ("_head", "refused", "tracks")

    def __init__(self, head: StreamHead) -> None:
        self._head = head
        self.tracks: dict[Track, TrackRun] = {}
        self.refused = 0
        """malformed messages that were answered and left out; the shell counts them"""

    def track(self, track: Track, encoding: Encoding) -> TrackRun:
        """Return the track's run, a new one for its first message."""
        run = self.tracks.get(track)
        if run is None:
            run = self.tracks[track] = TrackRun(self._head, track, encoding)
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
            messages_refused=self.refused,
        )


def _lost(runs: list[TrackRun]) -> int:
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
