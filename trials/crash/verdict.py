"""What a disturbed life must have come to all the same."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator

from chalicelib.recording import lifecycle
from chalicelib.recording.model import Recording, State
from chalicelib.recording.outbox import OutboxRow
from chalicelib.tapping.model import TapState
from tests.fakes import FakeCore
from trials.crash.life import Life

_TOLD = {*State, *TapState}


def broken(life: Life, undisturbed: Life) -> list[str]:
    """Return which promises a life broke; none: it kept them all."""
    if not life.is_over():
        return ["it never ends"]
    return [
        *life.receiver.faults,
        *_callbacks(life),
        *_history(life.core),
        *_audio(life, undisturbed),
    ]


def _callbacks(life: Life) -> Iterator[str]:
    """Nothing owed is lost, nothing else came, each has one id and one body."""
    rows = {row.webhook_id: row for row in life.core.store.outbox.values()}
    for stranger in life.receiver.attempts.keys() - rows.keys():
        yield f"{stranger} was invented"
    for webhook_id, row in rows.items():
        if not life.receiver.accepted[webhook_id] and not _is_old_news(row, life):
            yield f"{webhook_id} ({row.state}) is lost: {row.given_up or 'not given up'}"
        if len(life.receiver.bodies.get(webhook_id, ())) > 1:
            yield f"{webhook_id} came with several bodies"


def _is_old_news(row: OutboxRow, life: Life) -> bool:
    """Whether a later state of the same recording was taken instead."""
    return row.given_up == "superseded" and any(
        life.receiver.accepted[other.webhook_id]
        for other in life.core.outbox.rows(row.recording_id)
        if other.number > row.number
    )


def _history(core: FakeCore) -> Iterator[str]:
    """Each state that an owner entered has its callback, in the same order."""
    for owner in {*core.store.recordings, *(tap_id for _, tap_id in core.store.taps)}:
        entered = [event.event for event in core.history.events(owner) if event.event in _TOLD]
        told = [str(row.state) for row in core.outbox.rows(owner)]
        if told != [state for state in entered if state != State.FINALIZING]:
            yield f"{owner} was {entered} and told {told}"
        if len(told) != 2:
            yield f"{owner} told {told}"


def _audio(life: Life, undisturbed: Life) -> Iterator[str]:
    """What was stored is one recording, finished; what its worker lost by dying is its end."""
    recordings = list(life.core.store.recordings.values())
    if not recordings:
        if life.media.objects:
            yield "there is media, and no recording"
        return
    (recording,) = recordings
    if not lifecycle.is_finished(recording.state):
        if life.was_stored:
            yield f"there was media, and the recording is {recording.state}: {recording.reason}"
        return
    pcm, whole = _pcm(life, recording), _pcm(undisturbed, recording)
    if not pcm or not whole.startswith(pcm) or (life.was_stored_whole and pcm != whole):
        yield f"{len(pcm)} bytes of sound aren't the beginning of {len(whole)}"
    if len(life.renditions.objects) != 3:
        yield f"there are {sorted(life.renditions.objects)}"


def _pcm(life: Life, recording: Recording) -> bytes:
    (rendition,) = recording.renditions
    with wave.open(io.BytesIO(life.renditions.objects[rendition.key])) as opened:
        return opened.readframes(opened.getnframes())
