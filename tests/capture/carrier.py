"""A carrier on synthetic time: what it says, what of it arrives when, and where it belongs.

`hear(Carrier(...))` feeds a stream's messages to the live side, `placed()` sends what it heard
through the stored format to a timeline, and `errors_ms()` compares that with the truth.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from chalicelib.capture.container import decode_index, encode
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.placing import place
from chalicelib.capture.records import Record, StoredRecord, StreamHead
from chalicelib.capture.runs import StreamCapture
from chalicelib.capture.timeline import Placement, Timeline

WALL_US = 1_700_000_000_000_000
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
    frame_ms: int = 20
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
        for frame in range(self._frame(self.begins), self._frame(self.begins + self.seconds)):
            second = frame * self.frame_ms / 1000
            for track in self.tracks:
                if second < self.starts.get(track, 0.0) or _lies_in(second, self.holes.get(track)):
                    continue
                numbers += 1
                sequences[track] += 1
                if _lies_in(second, self.losses.get(track)):
                    continue
                arrived = max(arrived, self._arrival_us(second, dice))
                number = {"track": sequences[track], "stream": numbers}.get(self.numbering)
                yield Message(track=track, frame=frame, arrival_us=arrived, sequence=number)

    def _frame(self, second: float) -> int:
        return round(second * 1000 / self.frame_ms)

    def _arrival_us(self, second: float, dice: random.Random) -> int:
        spoken_us = self._wall_us(second + self.frame_ms / 1000)
        arrival_us = spoken_us + round((self.latency_ms + dice.random() * self.jitter_ms) * 1000)
        for begin, end in self.stalls:
            if self._wall_us(begin) <= arrival_us < self._wall_us(end):
                return self._wall_us(end)
        return arrival_us

    def _wall_us(self, second: float) -> int:
        return WALL_US + self.wall_offset_us + round(second * 1e6 / (1 + self.clock_ppm * 1e-6))


def _lies_in(second: float, spans: Spans | None) -> bool:
    return spans is not None and any(begin <= second < end for begin, end in spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A stream as the live side took it."""

    frame_ms: int = 20
    messages: list[Message]
    head: StreamHead
    records: list[Record]

    def stored(self, object_key: str = "") -> list[StoredRecord]:
        """Return its records as assembly reads them from one stored object."""
        body = encode([self.head], self.records, kind=Kind.SEGMENT, worker="w1")
        return list(decode_index(body, object_key or f"segments/{self.head.stream_key}").entries)


def hear(carrier: Carrier, cut_every_us: int = 1_000_000) -> Heard:
    """Return what the live side makes of a stream when it cuts once a second."""
    messages = list(carrier.messages())
    stream = StreamCapture(carrier.head)
    records: list[Record] = []
    cut_at_us = carrier.head.opened_at_us + cut_every_us
    for message in messages:
        while message.arrival_us >= cut_at_us:
            records += stream.cut()
            cut_at_us += cut_every_us
        run = stream.track(message.track, Encoding.PCMU)
        payload = payload_of(message, carrier.frame_ms)
        run.add(payload, message.arrival_us, message.sequence)
    records += stream.cut()
    return Heard(frame_ms=carrier.frame_ms, messages=messages, head=stream.head(), records=records)


def payload_of(message: Message, frame_ms: int = 20) -> bytes:
    """Return a frame's bytes; they tell its track and number."""
    return (_MARKS[message.track] + message.frame.to_bytes(3, "big")) * (2 * frame_ms)


_MARKS = {Track.INBOUND: b"i", Track.OUTBOUND: b"o", Track.MIXED: b"m"}


def placed(*streams: Heard) -> Timeline:
    """Return the timeline of a call's streams."""
    return place(
        [stream.head for stream in streams],
        [entry for stream in streams for entry in stream.stored()],
    )


def errors_ms(timeline: Timeline, *streams: Heard) -> dict[Track, tuple[float, float]]:
    """Return the least and the greatest error of each track's frames, in ms (late is positive).

    Position 0 is the first frame of any stream.
    """
    first = min(message.frame for stream in streams for message in stream.messages)
    frames = {stream.head.stream_key: _frames(stream) for stream in streams}
    size = 8 * streams[0].frame_ms
    return {
        track: (min(errors) / 8, max(errors) / 8)
        for track, placements in timeline.tracks.items()
        if (errors := [e for p in placements for e in _errors(p, frames, first, size)])
    }


def _frames(stream: Heard) -> dict[Track, list[int]]:
    frames: dict[Track, list[int]] = {}
    for message in stream.messages:
        frames.setdefault(message.track, []).append(message.frame)
    return frames


def _errors(
    placement: Placement, frames: dict[str, dict[Track, list[int]]], first: int, size: int
) -> Iterator[int]:
    """Yield the error, in samples, of each frame that begins in a placement."""
    record = placement.stored.record
    received = record.first_sample + placement.skip
    numbers = frames[record.stream_key][record.track]
    for place_of_frame in range(-(-received // size), -(-(received + placement.samples) // size)):
        position = placement.position + place_of_frame * size - received
        yield position - (numbers[place_of_frame] - first) * size
