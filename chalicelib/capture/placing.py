"""Stored records in, a call's timeline out: streams joined by wall time, each on its own clock.

The first stream's clock is the call's. Each further one finds its place once, by the wall clock
against the baseline of a stream that lives (or lived last) when it begins, and then keeps its own
count: a carrier's drift bends all streams of a call alike. The offset between two streams stays as
measured, in samples: rounding a short one away would spend the 20 ms that tracks may differ, and it
is no gap either, because gaps begin at 40 ms. Streams of one socket, that follow each other where
the call's owners do, overlap: their place is counted, not measured, or samples would sound twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec

from chalicelib.capture import positions
from chalicelib.capture.clock import ClockedRun, Run, StreamClock, follow
from chalicelib.capture.distinct_on_read import distinct
from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.records import StoredRecord, StreamHead
from chalicelib.capture.reordering import tolerance
from chalicelib.capture.runs import bytes_per_sample
from chalicelib.capture.timeline import Hole, Placement, Reason, Timeline

SHORTEST_GAP_MS = 40
_KNOT_US = 60_000_000

_Name = tuple[str, int]
"""a stream's key and a source"""


class _Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, or what one of its sources sent: another source is like another stream."""

    name: _Name
    head: StreamHead
    clock: StreamClock
    offset: int
    """the call's position at the stream's position 0"""
    encoding: Encoding | None


class _Piece(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a track, before or after a newer stream cut it."""

    stream: _Name
    run: Run
    skip: int
    samples: int
    position: int
    reason: Reason


def place(
    heads: Iterable[StreamHead],
    stored: Iterable[StoredRecord],
    encodings: Mapping[str, Encoding] | None = None,
) -> Timeline:
    """Return the timeline of a call's round from the records of all its streams.

    Any order, and any record twice or overlapping, is fine; of equal copies the first given is
    used. One without payload is a hole, `not_stored`, where there is no other copy. `encodings`
    corrects a stream's (by its key) where it takes as many bytes per sample and its packets don't
    say it themselves, as RTP's do.
    Without samples: no tracks, 0 samples.
    """
    streams = _streams({head.stream_key: head for head in heads}, stored, encodings or {})
    if not streams:
        return _empty()
    rate_hz = streams[0].head.rate_hz
    joined = _join([stream for stream in streams if stream.head.rate_hz == rate_hz])
    left_out = {s.head.stream_key: s for s in streams if s.head.rate_hz != rate_hz}
    return _timeline(joined, tuple(left_out))


def _streams(
    heads: Mapping[str, StreamHead],
    stored: Iterable[StoredRecord],
    encodings: Mapping[str, Encoding],
) -> list[_Stream]:
    """Return the streams in order of their origin, each placed on its own clock."""
    entries: dict[_Name, dict[Track, list[StoredRecord]]] = defaultdict(lambda: defaultdict(list))
    for entry in stored:
        record = entry.record
        if record.samples:  # a carrier may send empty messages: they have no place
            entries[record.stream_key, record.source][record.track].append(entry)
    streams: list[_Stream] = []
    for name, tracks in entries.items():
        head = heads[name[0]]
        runs = {track: distinct(of, tolerance(head)) for track, of in tracks.items()}
        by_arrival = head.clock is Clock.ARRIVAL
        clock = follow(head, runs) if by_arrival else positions.follow(head, runs)
        encoding = None if head.clock is Clock.RTP else encodings.get(head.stream_key)
        streams.append(_Stream(name=name, head=head, clock=clock, offset=0, encoding=encoding))
    return sorted(streams, key=lambda stream: (stream.clock.origin_us, stream.name))


def _empty() -> Timeline:
    return Timeline(
        rate_hz=8000, origin_us=0, samples=0, tracks={}, holes=(), largest_skew_us=0, reconnects=0
    )


def _join(streams: list[_Stream]) -> list[_Stream]:
    """Return the streams, in order of their origin, with their offsets on the call clock."""
    joined: list[_Stream] = []
    for stream in streams:
        offset = _offset(joined, stream) if joined else 0
        joined.append(msgspec.structs.replace(stream, offset=offset))
    return joined


def _offset(earlier: list[_Stream], stream: _Stream) -> int:
    at_us = stream.clock.origin_us
    nearest = max(earlier, key=lambda other: min(other.clock.ended_us, at_us))
    measured = _position_at(nearest, at_us)
    near = stream.head.rate_hz * SHORTEST_GAP_MS // 1000
    # Further away there was a hole between them: arrival knows its length, counting doesn't.
    counted = [at for at in _counted(earlier, stream) if abs(at - measured) < near]
    return max(0, counted[-1] if counted else measured)


def _counted(earlier: list[_Stream], stream: _Stream) -> Iterator[int]:
    """Yield where a stream begins by the samples that its socket brought before it."""
    brought = dict(stream.head.brought)
    for other in earlier:
        shared = other.clock.tracks.keys() & stream.clock.tracks.keys()
        if other.head.socket_key == stream.head.socket_key and shared:
            track = min(shared)
            own = stream.clock.tracks[track][0]
            before = brought.get(track, 0) - dict(other.head.brought).get(track, 0)
            yield other.offset + _position_of(other, track, before + own.run.first) - own.position


def _position_of(stream: _Stream, track: Track, sample: int) -> int:
    """Return the position of a track's n-th sample on its stream's clock, as its last run before
    that says."""
    runs = stream.clock.tracks[track]
    known = runs[max(0, bisect_right(runs, sample, key=lambda clocked: clocked.run.first) - 1)]
    return known.position + sample - known.run.first


def _position_at(stream: _Stream, wall_us: int) -> int:
    knots = stream.clock.knots
    known_us, position_us = knots[
        max(0, bisect_right(knots, wall_us, key=lambda knot: knot[0]) - 1)
    ]
    local_us = position_us + wall_us - known_us
    return stream.offset + round(local_us * stream.head.rate_hz / 1_000_000)


def _timeline(streams: list[_Stream], left_out: tuple[str, ...]) -> Timeline:
    by_name = {stream.name: stream for stream in streams}
    pieces = {track: _claimed(streams, track) for track in _tracks(streams)}
    ends = [of[-1].position + of[-1].samples for of in pieces.values()]
    return Timeline(
        rate_hz=streams[0].head.rate_hz,
        origin_us=streams[0].clock.origin_us,
        samples=max(ends),
        tracks={
            track: tuple(_placement(p, by_name[p.stream]) for p in of if p.run.stored.length)
            for track, of in pieces.items()
        },
        holes=tuple(
            hole
            for track, of in pieces.items()
            for hole in _holes(track, of, max(ends), streams[0].head.rate_hz)
        ),
        largest_skew_us=max(stream.clock.largest_skew_us for stream in streams),
        reconnects=_reconnects(streams),
        knots=_knots(streams),
        left_out=left_out,
    )


def _tracks(streams: list[_Stream]) -> list[Track]:
    present = {track for stream in streams for track in stream.clock.tracks}
    return [track for track in Track if track in present]


def _reconnects(streams: list[_Stream]) -> int:
    seen: set[Track] = set()
    reconnects = 0
    for stream in streams:
        reconnects += bool(seen & stream.clock.tracks.keys())
        seen |= stream.clock.tracks.keys()
    return reconnects


def _knots(streams: list[_Stream]) -> tuple[tuple[int, int], ...]:
    knots: list[tuple[int, int]] = []
    walls = sorted({wall for stream in streams for wall, _ in stream.clock.knots})
    for wall in walls:
        if knots and wall - knots[-1][0] < _KNOT_US:
            continue
        live = [stream for stream in streams if stream.clock.origin_us <= wall]
        nearest = max(live, key=lambda other: min(other.clock.ended_us, wall))
        knots.append((wall, _position_at(nearest, wall)))
    return tuple(knots)


def _claimed(streams: list[_Stream], track: Track) -> list[_Piece]:
    """Return a track's pieces in order; from a stream's first sample to its last, it alone."""
    pieces: list[_Piece] = []
    claims: list[tuple[int, int]] = []
    for stream in reversed(streams):
        own = [_piece(stream, clocked) for clocked in stream.clock.tracks.get(track, ())]
        if not own:
            continue
        for piece in own:
            pieces.extend(_outside(piece, claims))
        claims.append((own[0].position, own[-1].position + own[-1].samples))
    pieces.sort(key=lambda piece: piece.position)
    return pieces


def _piece(stream: _Stream, clocked: ClockedRun) -> _Piece:
    run = clocked.run
    position = stream.offset + clocked.position
    return _Piece(stream.name, run, run.skip, run.samples, position, clocked.reason)


def _outside(piece: _Piece, claims: list[tuple[int, int]]) -> list[_Piece]:
    """Return what of a piece no newer stream claims."""
    rest = [piece]
    for begin, end in claims:
        rest = [part for whole in rest for part in _without(whole, begin, end)]
    return rest


def _without(piece: _Piece, begin: int, end: int) -> list[_Piece]:
    last = piece.position + piece.samples
    if last <= begin or piece.position >= end:
        return [piece]
    parts: list[_Piece] = []
    if piece.position < begin:
        parts.append(msgspec.structs.replace(piece, samples=begin - piece.position))
    if last > end:
        cut = end - piece.position
        parts.append(
            msgspec.structs.replace(
                piece, skip=piece.skip + cut, samples=piece.samples - cut, position=end
            )
        )
    return parts


def _placement(piece: _Piece, stream: _Stream) -> Placement:
    captured = piece.run.stored.record.encoding
    wanted = stream.encoding or captured
    fits = bytes_per_sample(wanted) == bytes_per_sample(captured)
    return Placement(
        stored=piece.run.stored,
        encoding=wanted if fits else captured,
        skip=piece.skip,
        samples=piece.samples,
        position=piece.position,
    )


def _holes(track: Track, pieces: list[_Piece], end: int, rate_hz: int) -> list[Hole]:
    shortest = SHORTEST_GAP_MS * rate_hz // 1000
    holes: list[Hole] = []
    sounded = 0
    before: _Name | None = None
    for piece in pieces:
        if piece.position - sounded >= shortest:
            reason = piece.reason if piece.stream == before else _between(before)
            _tell(holes, _hole(track, sounded, piece.position, reason))
        sounded = piece.position + piece.samples
        before = piece.stream
        if not piece.run.stored.length:  # received, and only the facts of it are stored
            _tell(holes, _hole(track, piece.position, sounded, Reason.NOT_STORED))
    if end - sounded >= shortest:
        holes.append(_hole(track, sounded, end, Reason.ENDED_EARLY))
    return holes


def _tell(holes: list[Hole], hole: Hole) -> None:
    """Add a hole, or make the one before longer where it is the same one."""
    before = holes[-1] if holes else hole
    if (before.position + before.samples, before.reason) == (hole.position, hole.reason):
        hole = replace(before, samples=before.samples + hole.samples)
        holes.pop()
    holes.append(hole)


def _between(before: _Name | None) -> Reason:
    return Reason.RECONNECT if before else Reason.LATE_TRACK


def _hole(track: Track, begin: int, end: int, reason: Reason) -> Hole:
    return Hole(track=track, position=begin, samples=end - begin, reason=reason)
