"""Another format of a finished recording: asked for, made by a finalization, told in the history.

The state stays `finished` and no callback is owed: what was told has not changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib.errors import Conflict, Gone
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Recordings
from chalicelib.recording import lifecycle, request_fields
from chalicelib.recording.model import Format, Recording, RecordingOrigin
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.recording.renditions import media_until, rendition_in
from chalicelib.services.calls.transitions import FINALIZATION_TIMEOUT, persistently

RETRY_AFTER_S = 10


def parse_wish(body: Mapping[str, object]) -> Format:
    """Return the format that a body asks for. Raises InvalidRequest."""
    request_fields.verify_known("renditions", body, {"format"})
    return request_fields.word("format", body.get("format"), Format)


def request_rendition(
    recording_id: str,
    format_: Format,
    *,
    recordings: Recordings,
    workflows: Workflows,
    now: datetime,
) -> Recording:
    """Have a finished recording made in another format, and return it as it is then; one that has
    the format, or gets it, stays as it is.

    Raises NotFound; Gone `media_gone`; Conflict: `no_audio`, `not_finished`, `carrier_file`, or
    `rendition_in_progress` while another format is made; Unavailable, also where its execution
    could not be started: the sweeper starts it.
    """

    def step() -> Recording:
        recording = recordings.get(recording_id)
        if recording.making is format_ or rendition_in(recording, format_):
            return recording
        _verify_makeable(recording, now)
        asked = replace(
            recording,
            making=format_,
            attempt=recording.attempt + 1,
            attempt_at=now,
            due_at=now + FINALIZATION_TIMEOUT,
        )
        return recordings.write(asked, _event(asked, "rendition_requested", now, format_), None)

    recording = persistently(step)
    if recording.making is not None:
        workflows.start_finalization(recording_id, recording.attempt)
    return recording


def add_rendition(recording: Recording, recordings: Recordings, at: datetime) -> Recording:
    """Note that the format that was asked for is stored, as `renditions` tells already.

    Raises PreconditionFailed where another writer was faster.
    """
    made = recording.making
    if made is None or rendition_in(recording, made) is None:
        return recording  # the manifest of an earlier execution: this one's is on its way
    ready = replace(recording, making=None, due_at=media_until(recording))
    return recordings.write(ready, _event(ready, "rendition_made", at, made), None)


def give_up_rendition(
    recording: Recording, error: str, recordings: Recordings, at: datetime
) -> Recording:
    """Note that the format that was asked for can't be made, and why; asking again is possible.

    Raises PreconditionFailed where another writer was faster.
    """
    if recording.making is None:
        return erase_again(recording, recordings, at)
    ended = replace(recording, making=None, due_at=media_until(recording))
    event = _event(ended, "rendition_failed", at, recording.making, error=error)
    return recordings.write(ended, event, None)


def erase_again(recording: Recording, recordings: Recordings, at: datetime) -> Recording:
    """Make the sweeper look again after a recording whose execution ended after its erasure did,
    and may have stored something. Raises PreconditionFailed where another writer was faster."""
    if recording.erasure is None or recording.erasure.ended_at is None:
        return recording
    event = RecordingEvent(recording_id=recording.recording_id, at=at, event="erasure_asked_again")
    return recordings.write(replace(recording, due_at=at), event, None)


def _verify_makeable(recording: Recording, now: datetime) -> None:
    if recording.making is not None:
        raise Conflict(
            f"{recording.making} is being made",
            code="rendition_in_progress",
            retry_after_s=RETRY_AFTER_S,
        )
    if not lifecycle.is_finished(recording.state):
        raise _unfinished(recording)
    if recording.source is RecordingOrigin.CARRIER:
        raise Conflict("the recording is the carrier's own file", code="carrier_file")
    until = media_until(recording)
    if until is None or until <= now:
        raise Gone("the media of the call is kept for 7 days only", code="media_gone")


def _unfinished(recording: Recording) -> Conflict:
    if lifecycle.is_terminal(recording.state):
        return Conflict(f"the recording ended as {recording.state}", code="no_audio")
    fact = f"the recording is {recording.state}"
    return Conflict(fact, code="not_finished", retry_after_s=RETRY_AFTER_S)


def _event(
    recording: Recording, event: str, at: datetime, format_: Format, **detail: str
) -> RecordingEvent:
    told: dict[str, str | int] = {"format": str(format_), "attempt": recording.attempt}
    return RecordingEvent(
        recording_id=recording.recording_id, at=at, event=event, detail={**told, **detail}
    )
