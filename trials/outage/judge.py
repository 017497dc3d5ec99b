"""What the store was given, held against what was sent: bit for bit, in order, each sample once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.capture import container
from chalicelib.capture.records import Record
from chalicelib.capture.redaction import Span, merged
from trials.outage import frames
from trials.outage.frames import FRAME_BYTES

MOST_TOLD = 20


@dataclass(slots=True)
class _Track:
    """One track of one call, as far as it is stored."""

    began: int | None = None
    """the tick of its first frame"""
    position: int = 0
    """where segments have it up to"""
    stored: list[Span] = field(default_factory=list)
    """by segments and journal"""
    lost: list[Span] = field(default_factory=list)
    """told so"""


@dataclass
class Judge:
    """Takes objects as the store does, one after the other."""

    tracks: dict[tuple[str, str], _Track] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    last_numbers: dict[str, int] = field(default_factory=dict)
    """of segments, by call"""

    def take(self, key: str, body: bytes) -> None:
        """Judge an object."""
        tier, _, rest = key.partition("/")
        self.counts[f"{tier} objects"] += 1
        self.counts[f"{tier} bytes"] += len(body)
        is_segment = tier == "segments"
        if is_segment:
            self._follow(*rest.rsplit("/", 1))
        read = container.decode(body, key)
        for broken in read.broken:
            self._fault(broken)
        called = {head.stream_key: head.call_key for head in read.heads}
        for record in read.records:
            name = called[record.stream_key], record.track.value
            self._take_record(self.tracks.setdefault(name, _Track()), record, is_segment)

    def totals(self) -> dict[str, object]:
        """Return how many frames are stored and told as lost, by call and track."""
        tracks: dict[str, list[int]] = {}
        for (call, name), track in self.tracks.items():
            stored, lost = merged(track.stored), merged(track.lost)
            known = merged([*stored, *lost])
            if [begin for begin, _ in known] != [0]:
                self._fault(f"{call} {name}: only {known} is stored, or told as lost")
            tracks[f"{call} {name}"] = [_frames(stored), _frames(lost)]
        return {"tracks": tracks, "faults": self.faults, **self.counts}

    def _follow(self, call: str, number: str) -> None:
        last = self.last_numbers.get(call, -1)
        if int(number) != last + 1:
            self._fault(f"{call}: segment {number} after {last}")
        self.last_numbers[call] = int(number)

    def _take_record(self, track: _Track, record: Record, is_segment: bool) -> None:
        where = f"{record.stream_key} {record.track} at {record.first_sample}"
        span = record.first_sample, record.first_sample + record.samples
        if is_segment and record.first_sample < track.position:
            self._fault(f"{where}: {track.position} samples came before")
        track.position = span[1] if is_segment else track.position
        if not record.payload:
            track.lost.append(span)
            return
        track.stored.append(span)
        for place in range(record.samples // FRAME_BYTES):
            frame = record.payload[place * FRAME_BYTES : (place + 1) * FRAME_BYTES]
            tick = record.first_sample // FRAME_BYTES + place
            self._take_frame(track, frame, tick, record.track.value, where)

    def _take_frame(self, track: _Track, frame: bytes, tick: int, name: str, where: str) -> None:
        found = frames.read(frame, name)
        if found is None:
            self._fault(f"{where}: a frame isn't as it was sent")
            return
        if track.began is None:
            track.began = found[1] - tick
        if found[1] != track.began + tick:
            self._fault(f"{where}: tick {found[1]} where {track.began + tick} belongs")

    def _fault(self, fault: str) -> None:
        self.counts["faults"] += 1
        if len(self.faults) < MOST_TOLD:
            self.faults.append(fault)


def _frames(spans: Iterable[Span]) -> int:
    return sum(end - begin for begin, end in spans) // FRAME_BYTES
