"""Finalization's second half: what is stored becomes true, or its failure does.

Each function may run twice, at once or after dying at any line; a terminal state is reached once.
Order of writes: the proof, once what its manifest names was found stored; then the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.errors import CorruptContainer, NewerForm, Unavailable
from chalicelib.ports.aws import RenditionStore, Signer
from chalicelib.ports.rows import Calls
from chalicelib.recording import keys, lifecycle
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.manifest import MAX_GAPS, Manifest, parse_manifest
from chalicelib.recording.model import Gap, Recording, Rendition
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls.transitions import NO_DETAIL, RecordingMover, persistently
from chalicelib.services.finalization.attempts import NEWER_WAIT, is_last, reason_of, wait_after
from chalicelib.services.finalization.extra_formats import (
    add_rendition,
    erase_again,
    give_up_rendition,
)
from chalicelib.services.finalization.prove import prove


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What publishing needs."""

    calls: Calls
    transitions: RecordingMover
    renditions: RenditionStore
    signer: Signer
    now: Callable[[], datetime]


def publish(recording_id: str, needs: Publishing) -> Recording:
    """Finish a recording whose rendition and manifest are stored; one that ended stays as it is.

    Raises NotFound where there is no manifest, CorruptContainer where it and what is stored differ,
    IllegalTransition for a recording that doesn't finalize, Unavailable.
    """
    return persistently(lambda: _publish(recording_id, needs))


def publish_empty(recording_id: str, needs: Publishing) -> Recording:
    """End a recording of which nothing was ever stored. Raises as `publish` does."""
    return persistently(lambda: _end(recording_id, Cause.EMPTY, str(Cause.EMPTY), needs))


def publish_lost(recording_id: str, reason: str, needs: Publishing) -> Recording:
    """End a recording of which there is nothing more to hope for, for a reason that has a code.

    Raises as `publish` does.
    """
    return persistently(lambda: _end(recording_id, Cause.NOT_FETCHED, reason, needs))


def mark_error(recording_id: str, attempt: int, error: str, needs: Publishing) -> Recording:
    """Note that an attempt to finalize failed, with its error's name; its media is kept.

    The next attempt is due a little later, the sweeper starts it; after the last there is none.
    What only newer code can finish isn't ended: it is tried again every hour.
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
    transitions: RecordingMover,
    at: datetime,
) -> Recording:
    """Do what `mark_error` does; the sweeper, for an execution that can't say it itself."""

    def step() -> Recording:
        recording = transitions.recordings.get(recording_id)
        if recording.attempt != attempt:
            return recording
        if lifecycle.is_terminal(recording.state):
            return give_up_rendition(recording, error, transitions.recordings, at)
        if error == NewerForm.__name__:
            return _postpone(recording, error, transitions, at, NEWER_WAIT)
        if not is_last(recording):
            return _postpone(recording, error, transitions, at, wait_after(recording))
        failed = replace(recording, reason=reason_of(recording, error))
        call = calls.get(recording.call.key)
        return transitions.move(failed, Cause.FAILED, Writer.MARK_ERROR, call=call, at=at)

    return persistently(step)


def _publish(recording_id: str, needs: Publishing) -> Recording:
    recording, at = needs.transitions.recordings.get(recording_id), needs.now()
    if lifecycle.is_terminal(recording.state) and recording.making is None:
        return erase_again(recording, needs.transitions.recordings, at)
    key = keys.manifest_key(recording.call.account, recording_id)
    text = needs.renditions.get_text(key)
    manifest = parse_manifest(text)
    _verify(recording, manifest, needs.renditions)
    prove(recording, text, needs.renditions, needs.signer)
    if needs.renditions.get_text(key) != text:  # two executions: the last proof is of the last one
        raise Unavailable("another manifest was stored meanwhile")
    if recording.making is not None:
        made = replace(recording, renditions=_renditions(recording, manifest, at))
        return add_rendition(made, needs.transitions.recordings, at)
    published = replace(
        recording,
        renditions=_renditions(recording, manifest, at),
        gaps=_longest(manifest.gaps),
        quality=manifest.quality,
        note=manifest.note,
        **_as_found(recording, manifest),
    )
    degraded = manifest.quality.degraded
    detail = {"degraded": degraded} if degraded else NO_DETAIL
    return _move(published, Cause.PUBLISHED, at, needs, detail)


def _end(recording_id: str, cause: Cause, reason: str, needs: Publishing) -> Recording:
    recording, at = needs.transitions.recordings.get(recording_id), needs.now()
    if lifecycle.is_terminal(recording.state):
        return give_up_rendition(recording, reason, needs.transitions.recordings, at)
    return _move(replace(recording, reason=reason), cause, at, needs)


def _postpone(
    recording: Recording, error: str, transitions: RecordingMover, at: datetime, wait: timedelta
) -> Recording:
    """Write when the next attempt begins."""
    begins_at = at + wait
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


def _move(
    recording: Recording,
    cause: Cause,
    at: datetime,
    needs: Publishing,
    detail: Mapping[str, str] = NO_DETAIL,
) -> Recording:
    call, move = needs.calls.get(recording.call.key), needs.transitions.move
    return move(recording, cause, Writer.PUBLISH, call=call, at=at, detail=detail)


def _verify(recording: Recording, manifest: Manifest, renditions: RenditionStore) -> None:
    """Raise unless the manifest is this recording's, and what it names is stored, in full."""
    if manifest.recording_id != recording.recording_id:
        raise CorruptContainer(f"the manifest is that of recording {manifest.recording_id}")
    wanted = manifest.options.format if manifest.fetched else recording.options.format
    if wanted not in {made.format for made in manifest.renditions}:
        raise CorruptContainer(f"the manifest names no {wanted}")
    for made in manifest.renditions:
        stored = renditions.size_of(made.key)
        if stored != made.size:
            raise CorruptContainer(f"{made.key} has {stored} bytes, not {made.size}")


def _as_found(recording: Recording, manifest: Manifest) -> dict[str, Any]:
    """Return what a fetched file turned out to be, where its announcement said otherwise."""
    if recording.carrier_media is None or manifest.fetched is None:
        return {}
    media = recording.carrier_media
    return {"options": manifest.options, "carrier_media": replace(media, url=media.place)}


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
            chain=made.chain,
        )
        for made in manifest.renditions
    )


def _longest(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """Return what a row has room for: the longest gaps, in their order."""
    kept = sorted(gaps, key=lambda gap: -gap.duration_ms)[:MAX_GAPS]
    return tuple(sorted(kept, key=lambda gap: (gap.offset_ms, gap.track)))
