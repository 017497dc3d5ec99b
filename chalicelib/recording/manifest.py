"""A recording's manifest: what it shows, what was missing, what it was made of. A persisted format.

It says nothing about the moment it is written, so the same media gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import StreamHead
from chalicelib.capture.timeline import Timeline
from chalicelib.errors import CorruptContainer
from chalicelib.recording.chain import ChainLink
from chalicelib.recording.model import (
    Ending,
    Format,
    Gap,
    Interval,
    Quality,
    Recording,
    RecordingOrigin,
    RecordOptions,
    Rendition,
    Stream,
)
from chalicelib.recording.rendition_plan import RenditionPlan, fullest

VERSION = 1

MAX_GAPS = 100
"""in a recording's row: the longest ones; the manifest has them all"""


class ManifestCall(msgspec.Struct, frozen=True, kw_only=True):
    """The call that the recording is a view of."""

    account: str
    carrier: str
    call_id: str
    round: int


class ManifestStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of the call, as its row and its last stored head tell."""

    stream_key: str
    carrier_stream_id: str
    worker: str
    dialect: str
    tracks: tuple[Track, ...]
    encoding: Encoding
    rate_hz: int
    opened_at: datetime
    ended_at: datetime | None
    ending: Ending | None
    messages_received: int
    messages_lost: int
    messages_refused: int
    reason: str = ""
    """why this side ended it; empty: its carrier did, or the network"""


class ManifestRendition(msgspec.Struct, frozen=True, kw_only=True):
    """A finished audio object."""

    format: Format
    key: str
    size: int
    """bytes"""
    duration_ms: int
    channels: int
    sha256: str
    """hex"""
    chain: str = ""
    """the last value of the chain over the stored objects that it was made from; empty: made before
    there were chains, or fetched"""


class ManifestFetched(msgspec.Struct, frozen=True, kw_only=True):
    """A file as its carrier announced it; the manifest itself says what was found."""

    url: str
    """without what could open it"""
    carrier_recording_id: str
    format: str
    channels: int | None
    duration_s: float | None
    size: int | None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it."""

    version: int = VERSION
    recording_id: str
    control_id: str
    call: ManifestCall
    continues: str
    profile: str
    source: RecordingOrigin
    labels: Mapping[str, str]
    options: RecordOptions
    started_at: datetime | None
    ended_at: datetime | None
    reason: str
    """why it ended"""
    intervals: tuple[Interval, ...]
    origin_us: int
    """the wall clock at the call clock's position 0"""
    rate_hz: int
    samples: int
    """of each channel"""
    note: str
    beep: str = ""
    """`played` to the party, or `marked` over the rendition's beginning; empty: none was wanted"""
    streams: tuple[ManifestStream, ...]
    gaps: tuple[Gap, ...]
    quality: Quality
    renditions: tuple[ManifestRendition, ...]
    objects: tuple[str, ...]
    """the stored objects that the media was read from, in order of their first use"""
    chain: tuple[ChainLink, ...] = ()
    """over the same objects, when the latest rendition was made"""
    fetched: ManifestFetched | None = None
    """of what the carrier recorded itself"""


def describe(
    recording: Recording,
    streams: Iterable[Stream],
    heads: Iterable[StreamHead],
    timeline: Timeline,
    plan: RenditionPlan,
    renditions: Iterable[Rendition],
    chain: tuple[ChainLink, ...] = (),
) -> Manifest:
    """Return the manifest of a recording whose renditions are stored."""
    counts = fullest(heads)
    return Manifest(
        recording_id=recording.recording_id,
        control_id=recording.control_id,
        call=call_of(recording),
        continues=recording.continues,
        profile=recording.profile,
        source=recording.source,
        labels=recording.labels,
        options=recording.options,
        started_at=recording.started_at,
        ended_at=recording.ended_at,
        reason=recording.reason,
        intervals=recording.intervals,
        origin_us=timeline.origin_us,
        rate_hz=plan.rate_hz,
        samples=plan.samples,
        note=plan.note,
        beep=_beep(recording),
        streams=tuple(_stream(stream, counts.get(stream.stream_key)) for stream in streams),
        gaps=plan.gaps,
        quality=plan.quality,
        renditions=renditions_of(renditions),
        objects=plan.object_keys,
        chain=chain,
    )


def call_of(recording: Recording) -> ManifestCall:
    """Return the call that a recording is a view of."""
    return ManifestCall(
        account=recording.call.account,
        carrier=recording.call.carrier,
        call_id=recording.call.call_id,
        round=recording.round,
    )


def renditions_of(renditions: Iterable[Rendition]) -> tuple[ManifestRendition, ...]:
    """Return renditions as a manifest names them, by format."""
    return tuple(
        ManifestRendition(
            format=rendition.format,
            key=rendition.key,
            size=rendition.size,
            duration_ms=rendition.duration_ms,
            channels=rendition.channels,
            sha256=rendition.sha256,
            chain=rendition.chain,
        )
        for rendition in sorted(renditions, key=lambda rendition: rendition.format)
    )


def _beep(recording: Recording) -> str:
    if not recording.options.beep:
        return ""
    return "played" if recording.beep_played else "marked"


def _stream(stream: Stream, head: StreamHead | None) -> ManifestStream:
    return ManifestStream(
        stream_key=stream.stream_key,
        carrier_stream_id=stream.carrier_stream_id,
        worker=stream.worker,
        dialect=stream.dialect,
        tracks=stream.tracks,
        encoding=stream.encoding,
        rate_hz=stream.rate_hz,
        opened_at=stream.opened_at,
        ended_at=stream.ended_at,
        ending=stream.ending,
        messages_received=head.messages_received if head else 0,
        messages_lost=head.messages_lost if head else 0,
        messages_refused=head.messages_refused if head else 0,
        reason=stream.reason,
    )


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Manifest)


def encode_manifest(manifest: Manifest) -> str:
    """Return the manifest as indented JSON; equal manifests give equal text."""
    return msgspec.json.format(_encoder.encode(manifest), indent=2).decode() + "\n"


def parse_manifest(text: str) -> Manifest:
    """Return a stored manifest. Raises CorruptContainer."""
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise CorruptContainer(f"the manifest is none: {error}") from error
