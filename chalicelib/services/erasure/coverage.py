"""Computes what recordings show of their session's stored media, to the sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chalicelib.capture.placing import place
from chalicelib.capture.records import StreamHead
from chalicelib.capture.redaction import RecordName, Span, merged, name_of
from chalicelib.capture.timeline import Timeline
from chalicelib.ports.aws import MediaStore
from chalicelib.recording import lifecycle
from chalicelib.recording.model import Recording, RecordingOrigin, Stream
from chalicelib.recording.rendition_plan import Piece, plan, shown_intervals
from chalicelib.services.finalization.media_index import read_holdings


def may_show(recording: Recording) -> bool:
    """Whether renditions of a recording may be made from stored media, or made again."""
    if recording.erasure is not None or recording.released_at is not None:
        return False
    if recording.source is RecordingOrigin.CARRIER:
        return False
    return not lifecycle.is_terminal(recording.state) or recording.attempt > 0


def shown_spans(
    recordings: Sequence[Recording], streams: Sequence[Stream], media: MediaStore
) -> Mapping[RecordName, tuple[Span, ...]]:
    """Return which samples of which records some recordings show; all are of the streams' round.

    Of one that goes on: what it has shown so far. Raises Unavailable.
    """
    if not recordings or not streams:
        return {}
    holdings = read_holdings(streams[0].call.key, streams, media)
    encodings = {stream.stream_key: stream.encoding for stream in streams}
    timeline = place(holdings.heads, holdings.entries, encodings)
    spans: dict[RecordName, list[Span]] = defaultdict(list)
    for recording in recordings:
        for piece in _pieces(recording, timeline, holdings.heads, streams):
            name = name_of(piece.stored.record)
            spans[name].append((piece.skip, piece.skip + piece.samples))
    return {name: merged(found) for name, found in spans.items()}


def _pieces(
    recording: Recording,
    timeline: Timeline,
    heads: Sequence[StreamHead],
    streams: Sequence[Stream],
) -> Iterator[Piece]:
    announced = {track for stream in streams for track in stream.tracks}
    planned = plan(timeline, heads, recording.options, shown_intervals(recording), announced)
    for channel in planned.channels:
        for lane in channel.lanes:
            yield from lane.pieces
