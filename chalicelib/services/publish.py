"""Finalization's second half: what is stored becomes true, or its failure does.

Each function may run twice, at once or after dying at any line; a terminal state is reached once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.errors import CorruptContainer
from chalicelib.ports import Calls, RenditionStore
from chalicelib.recording import lifecycle, naming
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.manifest import Manifest, parse_manifest
from chalicelib.recording.model import Gap, Recording, RecordingEvent, Rendition
from chalicelib.services.transition import Transitions, persistently

MAX_ATTEMPTS = 3

WAITS = (timedelta(minutes=1), timedelta(minutes=5))
"""Before the second attempt and the third: a store that is down is seldom back within seconds."""

MAX_GAPS = 100
"""in the row; the manifest has them all"""

FINALIZATION_FAILED = "finalization_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What publishing needs."""

    calls: Calls
    transitions: Transitions
    renditions: RenditionStore
    now: Callable[[], datetime]


def publish(recording_id: str, needs: Publishing) -> Recording:
    """Finish a recording whose rendition and manifest are stored; one that ended stays as it is.

    Raises NotFound where there is no manifest, CorruptContainer where it and what is stored differ,
    IllegalTransition for a recording that doesn't finalize, Unavailable.
    """
    return persistently(lambda: _publish(recording_id, needs))


def publish_empty(recording_id: str, needs: Publishing) -> Recording:
    """End a recording of which nothing was ever stored. Raises as `publish` does."""
    return persistently(lambda: _publish_empty(recording_id, needs))


def mark_error(recording_id: str, attempt: int, error: str, needs: Publishing) -> Recording:
    """Note that an attempt to finalize failed, with its error's name; its media is kept.

    The next attempt is due a little later, the sweeper starts it; after the third there is none.
    An attempt that isn't the latest one changes nothing. Raises NotFound, Unavailable.
    """
    return fail_attempt(
        recording_id,
        attempt,
        error,
        calls=needs.calls,
        transitions=needs.transitions,
        at=needs.now(),
    )


def fail_attempt(
    recording_id: str,
    attempt: int,
    error: str,
    *,
    calls: Calls,
    transitions: Transitions,
    at: datetime,
) -> Recording:
    """Do what `mark_error` does; the sweeper, for an execution that can't say it itself."""

    def step() -> Recording:
        recording = transitions.recordings.get(recording_id)
        if lifecycle.is_terminal(recording.state) or recording.attempt != attempt:
            return recording
        if attempt < MAX_ATTEMPTS:
            return _postpone(recording, error, transitions, at)
        failed = replace(recording, reason=FINALIZATION_FAILED)
        call = calls.get(recording.call.key)
        return transitions.move(failed, Cause.FAILED, Writer.MARK_ERROR, call=call, at=at)

    return persistently(step)


def _publish(recording_id: str, needs: Publishing) -> Recording:
    recording = needs.transitions.recordings.get(recording_id)
    if lifecycle.is_terminal(recording.state):
        return recording
    key = naming.manifest_key(recording.call.account, recording_id)
    manifest = parse_manifest(needs.renditions.get_text(key))
    _verify(recording, manifest, needs.renditions)
    at = needs.now()
    published = replace(
        recording,
        renditions=_renditions(recording, manifest, at),
        gaps=_longest(manifest.gaps),
        quality=manifest.quality,
    )
    return _move(published, Cause.PUBLISHED, at, needs)


def _publish_empty(recording_id: str, needs: Publishing) -> Recording:
    recording = needs.transitions.recordings.get(recording_id)
    if lifecycle.is_terminal(recording.state):
        return recording
    empty = replace(recording, reason=str(Cause.EMPTY))
    return _move(empty, Cause.EMPTY, needs.now(), needs)


def _postpone(
    recording: Recording, error: str, transitions: Transitions, at: datetime
) -> Recording:
    """Write when the next attempt begins."""
    begins_at = at + WAITS[recording.attempt - 1]
    event = RecordingEvent(
        recording_id=recording.recording_id,
        at=at,
        event="attempt_failed",
        detail={"attempt": recording.attempt, "error": error},
    )
    again = replace(
        recording, attempt=recording.attempt + 1, attempt_at=begins_at, due_at=begins_at
    )
    return transitions.recordings.write(again, event, None)


def _move(recording: Recording, cause: Cause, at: datetime, needs: Publishing) -> Recording:
    call = needs.calls.get(recording.call.key)
    return needs.transitions.move(recording, cause, Writer.PUBLISH, call=call, at=at)


def _verify(recording: Recording, manifest: Manifest, renditions: RenditionStore) -> None:
    """Raise unless the manifest is this recording's, and what it names is stored, in full."""
    if manifest.recording_id != recording.recording_id:
        raise CorruptContainer(f"the manifest is that of recording {manifest.recording_id}")
    if recording.options.format not in {made.format for made in manifest.renditions}:
        raise CorruptContainer(f"the manifest names no {recording.options.format}")
    for made in manifest.renditions:
        stored = renditions.size_of(made.key)
        if stored != made.size:
            raise CorruptContainer(f"{made.key} has {stored} bytes, not {made.size}")


def _renditions(recording: Recording, manifest: Manifest, at: datetime) -> tuple[Rendition, ...]:
    known = {rendition.key: rendition.created_at for rendition in recording.renditions}
    return tuple(
        Rendition(
            format=made.format,
            key=made.key,
            size=made.size,
            duration_ms=made.duration_ms,
            channels=made.channels,
            sha256=made.sha256,
            created_at=known.get(made.key, at),
        )
        for made in manifest.renditions
    )


def _longest(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """Return what a row has room for: the longest gaps, in their order."""
    kept = sorted(gaps, key=lambda gap: -gap.duration_ms)[:MAX_GAPS]
    return tuple(sorted(kept, key=lambda gap: (gap.offset_ms, gap.track)))
