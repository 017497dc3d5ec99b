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
from chalicelib.ports.aws import Encoder, MediaStore, RenditionStore
from chalicelib.ports.rows import Calls, Recordings
from chalicelib.ports.values import EncodedFile
from chalicelib.recording import cuts, keys
from chalicelib.recording.chain import ChainLink, chained, head_of
from chalicelib.recording.manifest import MAX_GAPS, describe, encode_manifest
from chalicelib.recording.model import Format, Gap, Recording, Rendition, Stream
from chalicelib.recording.rendition_plan import (
    NOT_STORED,
    RenditionPlan,
    plan,
    shown_intervals,
    with_beep,
)
from chalicelib.services.calls.newer import verify_known
from chalicelib.services.finalization.media_index import Holdings, known_segments, read_holdings
from chalicelib.services.finalization.read_ahead import ReadAheadStore, is_small
from chalicelib.services.finalization.render import CORRUPT, Rendering, sound_of

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
    LOST = "lost"
    """the carrier's file can't be had: the reason says why"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What Publish needs to know; the manifest has all else."""

    recording_id: str
    attempt: int
    outcome: Outcome
    reason: str = ""
    """of what is lost; a stable code"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a recording is made of."""

    recording: Recording
    streams: Sequence[Stream]
    media: MediaStore
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
    """Store a recording's rendition in the format of its options, or in the one that is asked for
    since, and its manifest. Of one that is erased nothing is stored.

    A broken record is silence, and a gap in the manifest. Raises NotFound for an unknown recording,
    CorruptContainer where something is stored and nothing of it readable, or where it isn't any
    more what the recording was finished from, NewerForm where only newer code can make it,
    Unavailable: try again.
    """
    recording = recordings.get(recording_id)
    empty = Assembled(recording_id=recording_id, attempt=attempt, outcome=Outcome.EMPTY)
    if recording.erasure is not None:
        return empty
    source = _source(recording, calls, media)
    if source.plan.is_empty:
        if source.holdings.broken:
            raise CorruptContainer(f"all of {len(source.holdings.broken)} objects are broken")
        return empty
    _verify_same(source)
    with ThreadPoolExecutor(_READERS) as executor:
        rendering = Rendering(source.plan, source.media, executor)
        rendition = _store_rendition(source, rendering, renditions, encoder, recordings, now())
        if rendition is None:
            return empty
        chain = chained(recording_id, rendering.read_objects())
    rendition = replace(rendition, chain=head_of(chain))
    _store_manifest(source, rendering.corrupt, rendition, chain, renditions)
    return Assembled(recording_id=recording_id, attempt=attempt, outcome=Outcome.ASSEMBLED)


def _source(recording: Recording, calls: Calls, media: MediaStore) -> _Source:
    call_key = recording.call.key
    streams = [stream for stream in calls.streams(call_key) if stream.round == recording.round]
    verify_known(streams)
    known = known_segments(streams)
    if known is not None and is_small(len(known), streams):
        media = ReadAheadStore(media, known)
    holdings = read_holdings(call_key, streams, media)
    encodings = {stream.stream_key: stream.encoding for stream in streams}
    timeline = place(holdings.heads, holdings.entries, encodings)
    planned = plan(
        timeline,
        holdings.heads,
        recording.options,
        shown_intervals(recording),
        {track for stream in streams for track in stream.tracks},
    )
    planned = cuts.with_cut(_told_as_broken(planned, call_key, holdings), recording, streams)
    return _Source(
        recording=recording,
        streams=streams,
        media=media,
        holdings=holdings,
        timeline=timeline,
        plan=with_beep(planned, recording),
    )


def _told_as_broken(planned: RenditionPlan, call_key: str, holdings: Holdings) -> RenditionPlan:
    """Return the plan as it is told where a segment of the call can't be read: what it held isn't
    missing, it is broken. (Which of several holes it held, nobody can say.)"""
    if not any(key.startswith(keys.segments_prefix(call_key)) for key in holdings.broken):
        return planned
    gaps = [
        replace(gap, reason=CORRUPT) if gap.reason == NOT_STORED else gap for gap in planned.gaps
    ]
    return replace(planned, gaps=tuple(gaps))


def _verify_same(source: _Source) -> None:
    """Raise unless a finished recording's media is what it was finished from."""
    recording, sound = source.recording, sound_of(source.plan)
    known_gaps, are_all = recording.gaps, len(recording.gaps) < MAX_GAPS
    unread = [gap for gap in source.plan.gaps if gap.reason in (NOT_STORED, CORRUPT)]
    lacks = [gap for gap in unread if gap not in known_gaps]
    for made in recording.renditions:
        if (made.duration_ms, made.channels) != (sound.duration_ms, sound.channels):
            raise CorruptContainer(f"the stored media gives {sound.duration_ms} ms, not as before")
        if lacks and are_all:
            raise CorruptContainer(f"{len(lacks)} stretches of media are no longer stored")


def _store_rendition(
    source: _Source,
    rendering: Rendering,
    renditions: RenditionStore,
    encoder: Encoder,
    recordings: Recordings,
    at: datetime,
) -> Rendition | None:
    """Return what was stored; None where the recording was erased while it was encoded."""
    recording = source.recording
    format_ = recording.making or recording.options.format
    key = keys.rendition_key(recording.call.account, recording.recording_id, format_)
    sound = sound_of(source.plan)
    with encoder.encode(format_, sound, rendering.pcm(), _tags(recording)) as file:
        if recordings.get(recording.recording_id).erasure is not None:
            return None
        renditions.put_file(key, file.path, file.sha256, object_tags(recording))
        return _rendition(format_, key, sound, file, at)


def _rendition(
    format_: Format, key: str, sound: Sound, file: EncodedFile, at: datetime
) -> Rendition:
    return Rendition(
        format=format_,
        key=key,
        size=file.size,
        duration_ms=sound.duration_ms,
        channels=sound.channels,
        sha256=file.sha256,
        created_at=at,
    )


def _store_manifest(
    source: _Source,
    corrupt: Sequence[Gap],
    rendition: Rendition,
    chain: tuple[ChainLink, ...],
    renditions: RenditionStore,
) -> None:
    recording = source.recording
    made = {one.format: one for one in (*recording.renditions, rendition)}
    told = _with_corrupt(source.plan, corrupt, bool(source.holdings.broken))
    manifest = describe(
        recording,
        source.streams,
        source.holdings.heads,
        source.timeline,
        told,
        made.values(),
        chain,
    )
    key = keys.manifest_key(recording.call.account, recording.recording_id)
    renditions.put_text(key, encode_manifest(manifest), object_tags(recording))


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


def object_tags(recording: Recording) -> dict[str, str]:
    """Return the tags of a rendition's object."""
    days = recording.retention_days
    return {RETENTION_TAG: str(days)} if days else {}
