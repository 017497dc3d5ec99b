"""Builds the manifest of a carrier's own recording: its file as announced, and as found."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.media.sound_facts import SoundFacts
from chalicelib.recording.instants import EPOCH, microseconds
from chalicelib.recording.manifest import Manifest, ManifestFetched, call_of, renditions_of
from chalicelib.recording.model import Quality, Recording, Rendition

_STEREO = 2


def describe_fetched(
    recording: Recording, sound: SoundFacts, rendition: Rendition, degraded: str
) -> Manifest:
    """Return the manifest of a recording whose file is stored; its options are what was found."""
    started_at = recording.started_at or EPOCH
    return Manifest(
        recording_id=recording.recording_id,
        control_id=recording.control_id,
        call=call_of(recording),
        continues=recording.continues,
        profile=recording.profile,
        source=recording.source,
        labels=recording.labels,
        options=replace(
            recording.options, format=rendition.format, stereo=sound.channels == _STEREO
        ),
        started_at=recording.started_at,
        ended_at=recording.ended_at,
        reason=recording.reason,
        intervals=(),
        origin_us=microseconds(started_at),
        rate_hz=sound.rate_hz,
        samples=round(sound.duration_ms * sound.rate_hz / 1000),
        note="",
        streams=(),
        gaps=(),
        quality=Quality(degraded=degraded),
        renditions=renditions_of([rendition]),
        objects=(),
        fetched=_fetched(recording),
    )


def _fetched(recording: Recording) -> ManifestFetched | None:
    media = recording.carrier_media
    if media is None:
        return None
    return ManifestFetched(
        url=media.place,
        carrier_recording_id=media.carrier_recording_id,
        format=media.format,
        channels=media.channels,
        duration_s=media.duration_s,
        size=media.size,
    )
