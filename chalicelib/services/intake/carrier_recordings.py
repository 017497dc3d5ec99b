"""Imports recordings that carriers made: a webhook's event becomes the row of a download.

The id follows from the carrier's name of the file, so all events of a file make one recording,
whichever arrives first. It needs no media of a stream, and starts in `finalizing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.carriers.contract.webhook import CarrierRecording
from chalicelib.ports.values import NewRecording
from chalicelib.recording import keys
from chalicelib.recording.carrier_media import CarrierMedia
from chalicelib.recording.lifecycle import Cause, Writer, advance
from chalicelib.recording.model import (
    CallRef,
    Format,
    Profile,
    Recording,
    RecordingOrigin,
    RecordOptions,
)
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls.transitions import FINALIZATION_TIMEOUT

_STEREO = 2


def copy_of(
    event: CarrierRecording,
    ref: CallRef,
    profile: Profile,
    *,
    round_: int,
    labels: Mapping[str, str],
    at: datetime,
) -> NewRecording:
    """Return the recording of an available file, with its first finalization begun."""
    media = _media(event)
    ended_at = event.ended_at or event.facts.event_time or at
    recording = Recording(
        recording_id=keys.carrier_recording_id(ref.key, _name(event, media)),
        call=ref,
        control_id=event.control_id or event.carrier_recording_id,
        state=advance(None, Cause.CARRIER_FINISHED, Writer.API),
        version=0,
        round=round_,
        options=_options(media),
        profile=profile.name,
        source=RecordingOrigin.CARRIER,
        carrier_media=media,
        labels={**profile.labels, **labels},
        status_url=profile.status_url,
        created_at=at,
        started_at=event.started_at or _begin(ended_at, event.duration_s),
        ended_at=ended_at,
        attempt=1,
        attempt_at=at,
        reason=str(Cause.CARRIER_FINISHED),
        retention_days=profile.retention_days,
        due_at=at + FINALIZATION_TIMEOUT,
    )
    return NewRecording(recording=recording, event=_announced(recording, event))


def _media(event: CarrierRecording) -> CarrierMedia:
    return CarrierMedia(
        url=event.url,
        carrier_recording_id=event.carrier_recording_id,
        format=event.format,
        channels=event.channels,
        duration_s=event.duration_s,
        size=event.size,
    )


def _name(event: CarrierRecording, media: CarrierMedia) -> str:
    """Return the carrier's name of a file. A control id may occur twice in one call."""
    return f"{event.control_id}/{event.carrier_recording_id or media.place}"


def _options(media: CarrierMedia) -> RecordOptions:
    """Return the announced options; the download corrects them."""
    known = {str(format_): format_ for format_ in Format}
    return RecordOptions(
        format=known.get(media.format.lower(), Format.WAV), stereo=media.channels == _STEREO
    )


def _begin(ended_at: datetime, duration_s: float | None) -> datetime | None:
    if duration_s is None:
        return None
    try:
        return ended_at - timedelta(seconds=duration_s)
    except OverflowError:
        return None  # no call lasts that long


def _announced(recording: Recording, event: CarrierRecording) -> RecordingEvent:
    return RecordingEvent(
        recording_id=recording.recording_id,
        at=recording.created_at,
        event=str(recording.state),
        detail={
            "cause": str(Cause.CARRIER_FINISHED),
            "by": str(Writer.API),
            "event_type": event.facts.event_type,
        },
    )
