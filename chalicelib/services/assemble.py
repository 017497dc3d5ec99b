"""Finalization's first half: a call's stored media becomes a rendition and its manifest.

The same media gives the same bytes, so this may run twice, at once or after dying at any line.
Order of writes: the rendition, then the manifest that names it; the row is Publish's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.capture.placing import place
from chalicelib.capture.timeline import Timeline
from chalicelib.errors import CorruptContainer
from chalicelib.media.pcm import Sound
from chalicelib.ports import (
    Calls,
    EncodedFile,
    Encoder,
    MediaStore,
    Recordings,
    RenditionStore,
)
from chalicelib.recording import naming
from chalicelib.recording.assembly import RenditionPlan, plan, shown_intervals
from chalicelib.recording.manifest import describe, encode_manifest
from chalicelib.recording.model import Gap, Recording, Rendition, Stream
from chalicelib.services.media_reader import Holdings, read_holdings
from chalicelib.services.rendering import CORRUPT, Rendering, sound_of

RETENTION_TAG = "retention_days"
"""the bucket's lifecycle rules go by it"""

_READERS = 2
"""threads that read ahead of the encoder"""


class Outcome(StrEnum):
    """What assembling came to."""

    ASSEMBLED = "assembled"
    """rendition and manifest are stored"""
    EMPTY = "empty"
    """nothing of the recording was ever stored; there is neither"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What Publish needs to know; all else stands in the manifest."""

    recording_id: str
    attempt: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a recording is made of."""

    recording: Recording
    streams: Sequence[Stream]
    holdings: Holdings
    timeline: Timeline
    plan: RenditionPlan


def assemble(
    recording_id: str,
    attempt: int,
    *,
    recordings: Recordings,
    calls: Calls,
    media: MediaStore,
    renditions: RenditionStore,
    encoder: Encoder,
    now: Callable[[], datetime],
) -> Assembled:
    """Store a recording's rendition in the format of its options, and its manifest.

    A broken record is silence, and a gap in the manifest. Raises NotFound for an unknown recording,
    CorruptContainer where something is stored and nothing of it readable, Unavailable: try again.
    """
    source = _source(recordings.get(recording_id), calls, media)
    if source.plan.is_empty:
        if source.holdings.broken:
            raise CorruptContainer(f"all of {len(source.holdings.broken)} objects are broken")
        return Assembled(recording_id=recording_id, attempt=attempt, outcome=Outcome.EMPTY)
    with ThreadPoolExecutor(_READERS) as executor:
        rendering = Rendering(source.plan, media, executor)
        rendition = _store_rendition(source, rendering, renditions, encoder, now())
    _store_manifest(source, rendering.corrupt, rendition, renditions)
    return Assembled(recording_id=recording_id, attempt=attempt, outcome=Outcome.ASSEMBLED)


def _source(recording: Recording, calls: Calls, media: MediaStore) -> _Source:
    call_key = recording.call.key
    streams = [stream for stream in calls.streams(call_key) if stream.round == recording.round]
    holdings = read_holdings(call_key, streams, media)
    encodings = {stream.stream_key: stream.encoding for stream in streams}
    timeline = place(holdings.heads, holdings.entries, encodings)
    return _Source(
        recording=recording,
        streams=streams,
        holdings=holdings,
        timeline=timeline,
        plan=plan(
            timeline,
            holdings.heads,
            recording.options,
            shown_intervals(recording),
            {track for stream in streams for track in stream.tracks},
        ),
    )


def _store_rendition(
    source: _Source,
    rendering: Rendering,
    renditions: RenditionStore,
    encoder: Encoder,
    at: datetime,
) -> Rendition:
    recording = source.recording
    format_ = recording.options.format
    key = naming.rendition_key(recording.call.account, recording.recording_id, format_)
    sound = sound_of(source.plan)
    with encoder.encode(format_, sound, rendering.pcm(), _tags(recording)) as file:
        renditions.put_file(key, file.path, file.sha256, _object_tags(recording))
        return _rendition(recording, key, sound, file, at)


def _rendition(
    recording: Recording, key: str, sound: Sound, file: EncodedFile, at: datetime
) -> Rendition:
    return Rendition(
        format=recording.options.format,
        key=key,
        size=file.size,
        duration_ms=sound.duration_ms,
        channels=sound.channels,
        sha256=file.sha256,
        created_at=at,
    )


def _store_manifest(
    source: _Source, corrupt: Sequence[Gap], rendition: Rendition, renditions: RenditionStore
) -> None:
    recording = source.recording
    made = {one.format: one for one in (*recording.renditions, rendition)}
    told = _with_corrupt(source.plan, corrupt, bool(source.holdings.broken))
    manifest = describe(
        recording, source.streams, source.holdings.heads, source.timeline, told, made.values()
    )
    key = naming.manifest_key(recording.call.account, recording.recording_id)
    renditions.put_text(key, encode_manifest(manifest))


def _with_corrupt(
    planned: RenditionPlan, corrupt: Sequence[Gap], lacks_objects: bool
) -> RenditionPlan:
    """Return the plan as it came out: what is broken is a gap, and silence."""
    if not corrupt and not lacks_objects:
        return planned
    gaps = sorted((*planned.gaps, *corrupt), key=lambda gap: (gap.offset_ms, gap.track))
    silence_ms = sum(gap.duration_ms for gap in corrupt)
    quality = replace(
        planned.quality,
        silence_inserted_ms=planned.quality.silence_inserted_ms + silence_ms,
        degraded=CORRUPT,
    )
    return replace(planned, gaps=tuple(gaps), quality=quality)


def _tags(recording: Recording) -> dict[str, str]:
    """Return what the file itself says of its origin."""
    return {
        "title": f"Recording {recording.recording_id}",
        "comment": f"Call {recording.call.call_id}",
    }


def _object_tags(recording: Recording) -> dict[str, str]:
    days = recording.retention_days
    return {RETENTION_TAG: str(days)} if days else {}
