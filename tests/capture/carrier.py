"""A carrier on synthetic time: what it says, what of it arrives when, and where it belongs.

Import it anywhere: `Carrier(...).messages()` are a stream's messages in their order of arrival,
`capture()` feeds them to the live side, `stored()` sends records through the stored format, and
`errors_ms()` compares a timeline with the truth.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from chalicelib.capture.container import Kind, decode_index, encode
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.record import Record, StoredRecord, StreamHead
from chalicelib.capture.runs import StreamCapture
from chalicelib.capture.timeline import Timeline

WALL_US = 1_700_000_000_000_000
FRAME_US = 20_000
FRAME_SAMPLES = 160
BOTH = (Track.INBOUND, Track.OUTBOUND)

Spans = tuple[tuple[float, float], ...]
"""(from, to) in seconds of the call"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A frame on its way: its number since the call began, and when it came."""

    track: Track
    frame: int
    arrival_us: int
    sequence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """One stream of a call. Times are seconds of the call, by the carrier's own clock."""

    seconds: float
    tracks: tuple[Track, ...] = BOTH
    begins: float = 0.0
    """when the stream opens"""
    starts: Mapping[Track, float] = field(default_factory=dict)
    """tracks that begin later than their stream"""
    clock_ppm: float = 0.0
    """how much the carrier's clock is fast"""
    holes: Mapping[Track, Spans] = field(default_factory=dict)
    """nothing is sent, nothing is counted: hold, DTX"""
    losses: Mapping[Track, Spans] = field(default_factory=dict)
    """counted, and never sent"""
    stalls: Spans = ()
    """the network holds everything, then delivers it at once"""
    latency_ms: float = 30.0
    jitter_ms: float = 0.0
    """spread of the delay; in order all the same, as TCP keeps it"""
    numbering: str = ""
    """"track", "stream", or none"""
    wall_offset_us: int = 0
    """how much the worker's clock is wrong"""
    seed: int = 1
    stream_key: str = "s1"

    @property
    def head(self) -> StreamHead:
        """Return the stream's head; the socket opens when the stream begins."""
        return StreamHead(
            stream_key=self.stream_key,
            call_key="main/carrier/call",
            carrier_stream_id=f"carrier-{self.stream_key}",
            dialect="synthetic",
            rate_hz=8000,
            opened_at_us=self._wall_us(self.begins),
        )

    def messages(self) -> Iterator[Message]:
        """Yield the stream's messages in their order of arrival."""
        dice = random.Random(self.seed)
        sequences = dict.fromkeys(self.tracks, 0)
        numbers = 0
        arrived = 0
        frames = range(round(self.begins * 50), round((self.begins + self.seconds) * 50))
        for frame in frames:
            for track in self.tracks:
                if frame < self.starts.get(track, 0.0) * 50 or self._in(self.holes, track, frame):
                    continue
                numbers += 1
                sequences[track] += 1
                if self._in(self.losses, track, frame):
                    continue
                arrived = max(arrived, self._arrival_us(frame, dice))
                number = {"track": sequences[track], "stream": numbers}.get(self.numbering)
                yield Message(track=track, frame=frame, arrival_us=arrived, sequence=number)

    def _in(self, spans: Mapping[Track, Spans], track: Track, frame: int) -> bool:
        return any(begin * 50 <= frame < end * 50 for begin, end in spans.get(track, ()))

    def _arrival_us(self, frame: int, dice: random.Random) -> int:
        spoken_us = self._wall_us((frame + 1) / 50)
        arrival_us = spoken_us + round((self.latency_ms + dice.random() * self.jitter_ms) * 1000)
        for begin, end in self.stalls:
            if self._wall_us(begin) <= arrival_us < self._wall_us(end):
                return self._wall_us(end)
        return arrival_us

    def _wall_us(self, second: float) -> int:
        return WALL_US + self.wall_offset_us + round(second * 1e6 / (1 + self.clock_ppm * 1e-6))


def capture(
    carrier: Carrier, messages: Iterable[Message], every_us: int = 1_000_000
) -> tuple[StreamHead, list[Record]]:
    """Return what the live side makes of messages when it cuts once a second."""
    stream = StreamCapture(carrier.head)
    records: list[Record] = []
    cut_at_us = carrier.head.opened_at_us + every_us
    for message in messages:
        while message.arrival_us >= cut_at_us:
            records += stream.cut()
            cut_at_us += every_us
        run = stream.track(message.track, Encoding.PCMU)
        run.add(payload(message), message.arrival_us, message.sequence)
    records += stream.cut()
    return stream.head(), records


def payload(message: Message) -> bytes:
    """Return a frame's bytes; they tell its track and number."""
    return _MARKS[message.track] + message.frame.to_bytes(4, "big") * 39 + b"\xff\xff\xff"


_MARKS = {Track.INBOUND: b"i", Track.OUTBOUND: b"o", Track.MIXED: b"m"}


def stored(
    head: StreamHead, records: Iterable[Record], object_key: str = "segments/a"
) -> list[StoredRecord]:
    """Return records as assembly reads them from one stored object."""
    body = encode([head], records, kind=Kind.SEGMENT, worker="w1")
    return list(decode_index(body, object_key).entries)


def errors_ms(timeline: Timeline, messages: Iterable[Message]) -> dict[Track, tuple[float, float]]:
    """Return the least and the greatest error of each track's frames, in ms (late is positive).

    The messages are one stream's, all of them; position 0 is the first frame of any track.
    """
    frames: dict[Track, list[int]] = {}
    for message in messages:
        frames.setdefault(message.track, []).append(message.frame)
    first = min(numbers[0] for numbers in frames.values())
    errors: dict[Track, tuple[float, float]] = {}
    for track, placements in timeline.tracks.items():
        seen: list[int] = []
        for placement in placements:
            received = placement.stored.record.first_sample + placement.skip
            begin = received // FRAME_SAMPLES
            for frame in range(begin, (received + placement.samples) // FRAME_SAMPLES):
                truth = (frames[track][frame] - first) * FRAME_SAMPLES
                seen.append(placement.position + frame * FRAME_SAMPLES - received - truth)
        errors[track] = (min(seen) / 8, max(seen) / 8)
    return errors
