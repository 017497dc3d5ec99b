"""Where a recording's audio and its proof are: a short-lived URL, and a line in the history that it
was given. What they are, type and length, opens nothing and is no line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.ports.aws import RenditionStore
from chalicelib.ports.rows import RecordingHistory, Recordings
from chalicelib.ports.values import Requester
from chalicelib.recording import keys
from chalicelib.recording.erasure import is_deleted
from chalicelib.recording.lifecycle import is_finalizing, is_terminal
from chalicelib.recording.model import Format, Recording, Rendition
from chalicelib.recording.outbox import RecordingEvent

PRESIGNED_FOR_S = 300
WAIT_S = 20.0
"""how long a tokened download waits for its recording: a carrier plays it right after the stop"""
POLL_S = 0.5
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How a shell waits: what tells the time, in seconds, and what lets it pass."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What a URL opens."""

    key: str
    size: int
    """bytes"""


def find_audio(recording: Recording, format_: str | None) -> StoredFile:
    """Return what a download would open; no format is the recording's own.

    Raises Conflict while nothing is finished, NotFound `no_such_rendition`, InvalidRequest.
    """
    rendition = _wanted(recording, format_)
    return StoredFile(key=rendition.key, size=rendition.size)


def open_audio(
    recording: Recording,
    format_: str | None,
    asker: Requester,
    *,
    store: RenditionStore,
    history: RecordingHistory,
    at: datetime,
) -> str:
    """Return a URL that opens the audio for PRESIGNED_FOR_S seconds; the history tells of it.

    No format is the recording's own. Raises Conflict while nothing is finished, NotFound
    `no_such_rendition`, InvalidRequest.
    """
    rendition = _wanted(recording, format_)
    opened = RecordingEvent(
        recording_id=recording.recording_id,
        at=at,
        event="downloaded",
        detail={**asker.facts, "format": str(rendition.format)},
    )
    # First the line: a download that nobody noted is worse than a line about one that failed.
    history.append(opened)
    filename = f"{recording.recording_id}.{rendition.format}"
    return store.presign(rendition.key, PRESIGNED_FOR_S, filename)


def find_proof(recording: Recording, store: RenditionStore) -> StoredFile:
    """Return the proof.

    Raises Conflict while nothing is finished, NotFound `no_proof` for what was finished before
    recordings were signed.
    """
    _wanted(recording, None)
    key = keys.proof_key(recording.call.account, recording.recording_id)
    try:
        return StoredFile(key=key, size=store.size_of(key))
    except NotFound as error:
        raise NotFound("the recording was finished unsigned", code="no_proof") from error


def open_proof(
    recording: Recording,
    asker: Requester,
    *,
    store: RenditionStore,
    history: RecordingHistory,
    at: datetime,
) -> str:
    """Return a URL that opens the proof for PRESIGNED_FOR_S seconds; the history tells of it.

    Raises what `find_proof` raises.
    """
    proof = find_proof(recording, store)
    opened = RecordingEvent(
        recording_id=recording.recording_id, at=at, event="proof_downloaded", detail=asker.facts
    )
    history.append(opened)
    return store.presign(proof.key, PRESIGNED_FOR_S, f"{recording.recording_id}.proof.json")


def await_finished(recordings: Recordings, recording_id: str, waiting: Waiting) -> Recording:
    """Return a recording once it is finalized, or in its present state after WAIT_S seconds."""
    until = waiting.clock() + WAIT_S
    recording = recordings.get(recording_id)
    while is_finalizing(recording.state) and waiting.clock() < until:
        waiting.sleep(POLL_S)
        recording = recordings.get(recording_id)
    return recording


def _wanted(recording: Recording, given: str | None) -> Rendition:
    format_ = recording.options.format if given is None else _format(given)
    if is_deleted(recording):
        raise NotFound(f"recording {recording.recording_id}", code="no_such_recording")
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
