"""A call as a worker stores it: messages in, journal objects and segments out, on given times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from chalicelib.capture.container import encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.runs import StreamCapture
from chalicelib.media import codecs
from chalicelib.ports.aws import MediaStore
from chalicelib.recording import keys
from chalicelib.recording.model import CallRef, Stream

CALL = CallRef(account="main", carrier="bandwidth", call_id="c-1")
OPENED_US = 1_700_000_000_000_000
"""the wall clock at the first stream's handshake"""
FRAME = 160
"""samples: 20 ms"""


def noise(samples: int, seed: int, encoding: Encoding = Encoding.PCMU) -> bytes:
    """Return a payload in which no frame equals another."""
    return Random(seed).randbytes(samples * codecs.bytes_per_sample(encoding))


@dataclass(kw_only=True)
class Tape:
    """One stream of a call on one worker."""

    media: MediaStore
    worker: str = "w1"
    stream_key: str = "s1"
    opened_at_s: float = 0.0
    """after the first stream's handshake"""
    encoding: Encoding = Encoding.PCMU
    number: int = 0
    """of the worker's next journal object"""
    segments: int = 0
    profile: str = ""
    said: Encoding | None = None
    """the encoding that the carrier said in band"""
    _uncovered: list[Record] = field(default_factory=list)
    _capture: StreamCapture = field(init=False)

    def __post_init__(self) -> None:
        head = StreamHead(
            stream_key=self.stream_key,
            call_key=CALL.key,
            carrier_stream_id=f"carrier-{self.stream_key}",
            dialect="bandwidth",
            rate_hz=8000,
            opened_at_us=OPENED_US + round(self.opened_at_s * 1_000_000),
            profile=self.profile,
            encoding=self.said,
        )
        self._journal_from = self.number
        self._capture = StreamCapture(head)

    def hear(self, track: Track, payload: bytes, from_s: float) -> None:
        """Take a payload in frames of 20 ms, each arriving at its end, the first from `from_s`."""
        size = FRAME * codecs.bytes_per_sample(self.encoding)
        run = self._capture.track(track, self.encoding)
        for place, start in enumerate(range(0, len(payload), size), start=1):
            arrival_us = OPENED_US + round((from_s + place * 0.02) * 1_000_000)
            run.add(payload[start : start + size], arrival_us)

    def head(self) -> StreamHead:
        """Return the stream's head."""
        return self._capture.head()

    def commit(self) -> None:
        """Store what came since the last commit as a journal object."""
        records = self._capture.cut()
        self.media.put(
            keys.journal_key(self.worker, self.number),
            encode([self._capture.head()], records, kind=Kind.JOURNAL, worker=self.worker),
        )
        self._uncovered += records
        self.number += 1

    def close_segment(self) -> str:
        """Store what was committed since the last segment as one; return its key."""
        key = keys.segment_key(CALL.key, self.worker, self.segments)
        body = encode(
            [self._capture.head()],
            self._uncovered,
            kind=Kind.SEGMENT,
            worker=self.worker,
            journal_through=self.number - 1,
        )
        self.media.put(key, body)
        self._uncovered = []
        self.segments += 1
        return key

    def row(
        self, *, complete: bool = True, tracks: Iterable[Track] = (), round_: int = 1
    ) -> Stream:
        """Return the stream's row."""
        return Stream(
            call=CALL,
            stream_key=self.stream_key,
            carrier_stream_id=f"carrier-{self.stream_key}",
            round=round_,
            worker=self.worker,
            dialect="bandwidth",
            tracks=tuple(tracks) or (Track.INBOUND, Track.OUTBOUND),
            encoding=self.encoding,
            rate_hz=8000,
            opened_at=datetime.fromtimestamp(OPENED_US / 1_000_000 + self.opened_at_s, UTC),
            journal_from=self._journal_from,
            complete=complete,
        )


def two_tracks(tape: Tape, seconds: int, from_s: float = 0.0, seed: int = 0) -> tuple[bytes, bytes]:
    """Hear noise on both tracks, committed every second; return what was sent."""
    sent = [noise(seconds * 8000, seed), noise(seconds * 8000, seed + 1)]
    for second in range(seconds):
        for track, payload in zip((Track.INBOUND, Track.OUTBOUND), sent, strict=True):
            tape.hear(track, payload[second * 8000 : (second + 1) * 8000], from_s + second)
        tape.commit()
    return sent[0], sent[1]
