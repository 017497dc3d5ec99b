"""Marks recordings as erased in their rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Erasure, Recording, RecordOptions

RIPE_AFTER = timedelta(seconds=110)
"""The sweeper looks for media this long after it was asked to: by then a living worker has stored
the next segment of each call (100 s) and said so (2 s), so that the same sweep deletes the journal
objects that this covers first, and where the call goes on it is known what its other recordings
show. A minute is left of three."""


def asked(recording: Recording, at: datetime) -> Recording:
    """Return a recording with the request to erase it."""
    return replace(recording, erasure=Erasure(asked_at=at), due_at=at + RIPE_AFTER)


def tombstone(recording: Recording, at: datetime) -> Recording:
    """Return the tombstone of a recording: its ids, its end, and nothing that was said
    or agreed about it. One that is being erased already goes on as it was."""
    begun = recording.erasure or Erasure(asked_at=at)
    return replace(
        recording,
        options=RecordOptions(),
        labels={},
        status_url="",
        carrier_media=None,
        intervals=(),
        renditions=(),
        gaps=(),
        quality=None,
        making=None,
        erasure=replace(begun, is_deletion=True),
        due_at=recording.due_at if recording.erasure else at,
    )


def is_discarded(recording: Recording) -> bool:
    """Whether a recording was discarded."""
    return recording.erasure is not None and recording.reason == Cause.DISCARD


def is_deleted(recording: Recording) -> bool:
    """Whether a recording is hidden from everybody."""
    return recording.erasure is not None and recording.erasure.is_deletion
