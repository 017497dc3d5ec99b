"""What a rendition is made of: a plan of stored samples and silence. No bytes, no I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.placing import SHORTEST_GAP_MS
from chalicelib.capture.records import StoredRecord, StreamHead
from chalicelib.capture.timeline import Hole, Placement, Reason, Timeline
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import (
    Direction,
    Gap,
    Interval,
    Quality,
    Recording,
    RecordOptions,
)

MIXED_SOURCE = "mixed_source"
MIXED_RATES = "mixed_rates"
NOT_STORED = "not_stored"
"""received media was dropped, or its object is gone"""

IN_FLIGHT_MS = 500
"""a hole that a pause or a stop cuts off, and that began so shortly before it, is what was on its
way then: said before, arrived after"""

TRACKS = {
    Direction.SPEAK: (Track.INBOUND,),
    Direction.LISTEN: (Track.OUTBOUND,),
    Direction.BOTH: (Track.INBOUND, Track.OUTBOUND),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a stored payload on the rendition's timeline; all counts are samples."""

    stored: StoredRecord
    encoding: Encoding
    skip: int
    samples: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One track's pieces, in order and without overlap; what lies between them is silence."""

    track: Track
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What one channel of the file sounds like: the sum of its lanes, saturated to 16 bits."""

    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionPlan:
    """Everything that encoding needs to know; the same for every format."""

    rate_hz: int
    samples: int
    """the length of every channel"""
    channels: tuple[Channel, ...]
    gaps: tuple[Gap, ...]
    quality: Quality
    note: str = ""
    """`mixed_source`: the carrier sent both sides as one, so there is one channel"""

    has_beep: bool = False
    """a beep lies over the beginning of each channel"""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded (then there is no rendition)."""
        return not any(lane.pieces for channel in self.channels for lane in channel.lanes)

    @property
    def object_keys(self) -> tuple[str, ...]:
        """Return the objects that the pieces lie in, in order of their first use."""
        pieces = [piece for c in self.channels for lane in c.lanes for piece in lane.pieces]
        pieces.sort(key=lambda piece: piece.position)
        return tuple(dict.fromkeys(piece.stored.object_key for piece in pieces))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A stretch of the call clock, and where it begins on the rendition's timeline."""

    begin: int
    end: int
    position: int
    silent: bool


def plan(
    timeline: Timeline,
    heads: Iterable[StreamHead],
    options: RecordOptions,
    intervals: Sequence[Interval] = (),
    announced: Collection[Track] = (),
) -> RenditionPlan:
    """Return the plan of a recording's renditions.

    No interval is one open interval. `announced` are the tracks that the call's streams told: one
    that never came is silence. What lies outside the intervals is left out, as if never said.
    """
    tracks, note = _channel_tracks(options, timeline.tracks.keys(), announced)
    spans = _spans(timeline, intervals, options.max_length_s)
    samples = sum(span.end - span.begin for span in spans)
    channels = tuple(
        Channel(lanes=tuple(_lane(timeline, track, spans) for track in of)) for of in tracks
    )
    used = [lane for channel in channels for lane in channel.lanes]
    gaps = _gaps(timeline, [lane.track for lane in used], spans)
    return RenditionPlan(
        rate_hz=timeline.rate_hz,
        samples=samples,
        channels=channels,
        gaps=gaps,
        quality=replace(
            _quality(timeline, heads, used, _recorded(spans)), degraded=_degraded(timeline, gaps)
        ),
        note=note,
    )


def with_beep(planned: RenditionPlan, recording: Recording) -> RenditionPlan:
    """Return the plan with the beep that a recording asked for and its party didn't hear."""
    return replace(planned, has_beep=recording.options.beep and not recording.beep_played)


def shown_intervals(recording: Recording) -> tuple[Interval, ...]:
    """Return what a recording shows of its call.

    One that ran its `max_length` ends by samples: the wall clock would miss it by the drift.
    """
    if recording.reason != Cause.MAX_LENGTH or not recording.intervals:
        return recording.intervals
    *before, last = recording.intervals
    return (*before, replace(last, to_us=None))


def _channel_tracks(
    options: RecordOptions, captured: Collection[Track], announced: Collection[Track]
) -> tuple[tuple[tuple[Track, ...], ...], str]:
    """Return the tracks of each channel, and a note where they aren't those asked for."""
    wanted = TRACKS[options.direction]
    if Track.MIXED in captured and not all(track in captured for track in wanted):
        return ((Track.MIXED,),), MIXED_SOURCE
    present = tuple(track for track in wanted if track in captured or track in announced)
    if options.stereo and len(present) > 1:
        return tuple((track,) for track in present), ""
    return (present or wanted,), ""


def _spans(timeline: Timeline, intervals: Sequence[Interval], max_length_s: float) -> list[_Span]:
    left = round(max_length_s * timeline.rate_hz) if max_length_s else timeline.samples
    wanted = sorted(
        (*_bounds(timeline, interval), interval.silent) for interval in intervals or (Interval(),)
    )
    spans: list[_Span] = []
    done = position = 0
    for wanted_from, wanted_to, silent in wanted:
        begin = max(wanted_from, done)
        samples = wanted_to - begin if silent else min(wanted_to - begin, left)
        if samples > 0 and left > 0:
            end = begin + samples
            spans.append(_Span(begin=begin, end=end, position=position, silent=silent))
            done = end
            position += samples
            left -= 0 if silent else samples
    return _until_sound(spans)


def _until_sound(spans: list[_Span]) -> list[_Span]:
    """Return spans without silence at their end: a pause that nothing follows adds nothing."""
    while spans and spans[-1].silent:
        spans.pop()
    return spans


def _recorded(spans: Iterable[_Span]) -> int:
    """Return how many samples aren't a pause that was asked for."""
    return sum(span.end - span.begin for span in spans if not span.silent)


def _bounds(timeline: Timeline, interval: Interval) -> tuple[int, int]:
    begin = 0 if interval.from_us is None else timeline.position_at(interval.from_us)
    end = timeline.samples if interval.to_us is None else timeline.position_at(interval.to_us)
    return max(0, begin), min(timeline.samples, end)


def _lane(timeline: Timeline, track: Track, spans: Sequence[_Span]) -> Lane:
    placements = timeline.tracks.get(track, ())
    pieces: list[Piece] = []
    for span in spans:
        if span.silent:
            continue
        first = bisect_right(placements, span.begin, key=lambda p: p.position + p.samples)
        for placement in placements[first:]:
            if placement.position >= span.end:
                break
            pieces.append(_piece(placement, span))
    return Lane(track=track, pieces=tuple(pieces))


def _piece(placement: Placement, span: _Span) -> Piece:
    begin = max(placement.position, span.begin)
    end = min(placement.position + placement.samples, span.end)
    return Piece(
        stored=placement.stored,
        encoding=placement.encoding,
        skip=placement.skip + begin - placement.position,
        samples=end - begin,
        position=span.position + begin - span.begin,
    )


def _gaps(timeline: Timeline, tracks: Sequence[Track], spans: Sequence[_Span]) -> tuple[Gap, ...]:
    silent = [
        Hole(track=track, position=0, samples=timeline.samples, reason=Reason.NO_MEDIA)
        for track in tracks
        if track not in timeline.tracks
    ]
    gaps = [
        gap
        for hole in (*timeline.holes, *silent)
        if hole.track in tracks
        for span in spans
        if not span.silent
        and (gap := _gap(hole, span, timeline.rate_hz)).duration_ms >= SHORTEST_GAP_MS
    ]
    return tuple(sorted(gaps, key=lambda gap: (gap.offset_ms, gap.track)))


def _gap(hole: Hole, span: _Span, rate_hz: int) -> Gap:
    begin = max(hole.position, span.begin)
    end = min(hole.position + hole.samples, span.end)
    duration_ms = (end - begin) * 1000 / rate_hz
    is_cut_off = hole.position + hole.samples > span.end and duration_ms <= IN_FLIGHT_MS
    return Gap(
        track=hole.track,
        offset_ms=(span.position + begin - span.begin) * 1000 / rate_hz,
        duration_ms=duration_ms,
        reason=Reason.PAUSED if is_cut_off else hole.reason,
    )


def fullest(heads: Iterable[StreamHead]) -> dict[str, StreamHead]:
    """Return each stream's newest head: every stored object holds one, its counts only grow."""
    newest: dict[str, StreamHead] = {}
    for head in heads:
        known = newest.get(head.stream_key)
        if known is None or head.messages_received > known.messages_received:
            newest[head.stream_key] = head
    return newest


def _quality(
    timeline: Timeline, heads: Iterable[StreamHead], lanes: Sequence[Lane], samples: int
) -> Quality:
    streams = fullest(heads).values()
    silent = sum(samples - sum(piece.samples for piece in lane.pieces) for lane in lanes)
    return Quality(
        messages_received=sum(head.messages_received for head in streams),
        messages_lost=sum(head.messages_lost for head in streams),
        messages_late=sum(head.messages_late for head in streams),
        messages_reordered=sum(head.messages_reordered for head in streams),
        messages_duplicated=sum(head.messages_duplicated for head in streams),
        silence_inserted_ms=silent * 1000 / timeline.rate_hz,
        largest_skew_ms=timeline.largest_skew_us / 1000,
        reconnects=timeline.reconnects,
    )


def _degraded(timeline: Timeline, gaps: Iterable[Gap]) -> str:
    if any(gap.reason == Reason.NOT_STORED for gap in gaps):
        return NOT_STORED
    return MIXED_RATES if timeline.left_out else ""
