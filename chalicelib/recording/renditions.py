"""Finds a recording's renditions, and computes how long others can be made."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.recording.model import Format, Recording, RecordingOrigin, Rendition

MEDIA_KEPT = timedelta(days=7)
"""after the recording finished"""


def rendition_in(recording: Recording, format_: Format) -> Rendition | None:
    """Return the rendition in a format, None where none was made."""
    return next((made for made in recording.renditions if made.format is format_), None)


def media_until(recording: Recording) -> datetime | None:
    """Return until when media is kept for a recording that finished; None where none is."""
    if (
        recording.source is RecordingOrigin.CARRIER
        or recording.released_at
        or not recording.renditions
    ):
        return None
    return min(made.created_at for made in recording.renditions) + MEDIA_KEPT
