"""Where a recording's audio is: a short-lived URL, and a line in the history that it was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.ports import RecordingHistory, Recordings, RenditionStore
from chalicelib.recording.lifecycle import is_finalizing, is_terminal
from chalicelib.recording.model import Format, Recording, RecordingEvent, Rendition

PRESIGNED_FOR_S = 300
WAIT_S = 20.0
"""how long a tokened download waits for its recording: a carrier plays it right after the stop"""
POLL_S = 0.5
RETRY_AFTER_S = 5


class Opener(StrEnum):
    """What opened a recording."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # a word of the history


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How a shell waits: what tells the time, in seconds, and what lets it pass."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]


def open_audio(
    recording: Recording,
    format_: str,
    by: Opener,
    *,
    store: RenditionStore,
    history: RecordingHistory,
    at: datetime,
) -> str:
    """Return a URL that opens the audio for PRESIGNED_FOR_S seconds; the history tells of it.

    An empty format is the recording's own. Raises Conflict while nothing is finished, NotFound
    `no_such_rendition`, InvalidRequest.
    """
    rendition = _rendition(recording, _format(format_) if format_ else recording.options.format)
    opened = RecordingEvent(
        recording_id=recording.recording_id,
        at=at,
        event="downloaded",
        detail={"by": str(by), "format": str(rendition.format)},
    )
    # First the line: a download that nobody noted is worse than a line about one that failed.
    history.append(opened)
    filename = f"{recording.recording_id}.{rendition.format}"
    return store.presign(rendition.key, PRESIGNED_FOR_S, filename)


def await_finished(recordings: Recordings, recording_id: str, waiting: Waiting) -> Recording:
    """Return a recording as soon as it is finalized, or as it stands after WAIT_S seconds."""
    until = waiting.clock() + WAIT_S
    recording = recordings.get(recording_id)
    while is_finalizing(recording.state) and waiting.clock() < until:
        waiting.sleep(POLL_S)
        recording = recordings.get(recording_id)
    return recording


def _rendition(recording: Recording, format_: Format) -> Rendition:
    for rendition in recording.renditions:
        if rendition.format is format_:
            return rendition
    if recording.renditions:
        raise NotFound(f"no rendition in {format_}", code="no_such_rendition")
    if is_terminal(recording.state):
        raise Conflict(f"the recording ended as {recording.state}", code="no_audio")
    raise Conflict(
        f"the recording is {recording.state}", code="not_finished", retry_after_s=RETRY_AFTER_S
    )


def _format(text: str) -> Format:
    for format_ in Format:
        if format_ == text:
            return format_
    raise InvalidRequest("format must be one of " + ", ".join(Format), code="out_of_range")
