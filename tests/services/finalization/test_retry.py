"""A recording in error is finalized again, as what it was before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.errors import Conflict
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Ending, Recording, State
from chalicelib.services.finalization.attempts import MAX_ATTEMPTS
from chalicelib.services.finalization.publish import fail_attempt
from chalicelib.services.finalization.retry import retry
from tests.samples import CALL, a_joining, later
from tests.services.core_desk import Desk


def failed(cause: Cause = Cause.CALL_CLOSED, cut: str = "") -> Desk:
    """Return a desk whose recording ended by some cause and failed to finalize, thrice; `cut`: why
    its stream was."""
    desk = Desk()
    desk.control.join_call(a_joining())
    if cause is Cause.CALL_CLOSED:
        desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(15), reason=cut)
        desk.control.close_call(CALL, 1, later(15))
    else:
        desk.control.end_recording(desk.recording().recording_id, cause, later(15))
    for attempt in range(1, MAX_ATTEMPTS + 1):
        fail_attempt(
            desk.recording().recording_id,
            attempt,
            "CorruptContainer",
            calls=desk.core.calls,
            transitions=desk.transitions,
            at=later(60 * attempt),
        )
    return desk


def again(desk: Desk) -> Recording:
    return retry(
        desk.recording().recording_id,
        calls=desk.core.calls,
        history=desk.core.history,
        transitions=desk.transitions,
        now=later(900),
    )


@pytest.mark.parametrize("cause", [Cause.CALL_CLOSED, Cause.MAX_LENGTH])
def test_another_attempt_begins_with_the_reason_that_it_had(cause: Cause) -> None:
    """The failure's name is gone; why the audio ended is back, and an execution starts."""

    desk = failed(cause)
    assert (State.ERROR, "finalization_failed") == (desk.recording().state, desk.recording().reason)

    recording = again(desk)

    expected = (State.FINALIZING, str(cause), MAX_ATTEMPTS + 1)
    assert expected == (recording.state, recording.reason, recording.attempt)
    assert (recording.recording_id, MAX_ATTEMPTS + 1) in desk.workflows.finalizations


def test_a_retry_remembers_a_cut() -> None:
    """A recording whose call closed because its stream was cut says so again."""

    assert "stream_too_long" == again(failed(cut="stream_too_long")).reason


def test_a_retry_that_fails_is_an_error_at_once() -> None:
    """There is no second attempt behind it, and its callback is sent."""

    desk = failed()
    recording = again(desk)

    fail_attempt(
        recording.recording_id,
        recording.attempt,
        "Unavailable",
        calls=desk.core.calls,
        transitions=desk.transitions,
        at=later(960),
    )

    assert State.ERROR == desk.recording().state
    assert ["recording", "error", "error"] == desk.told()
    assert str(Cause.CALL_CLOSED) == again(desk).reason


def test_only_an_error_is_retried() -> None:
    """A recording that finalizes already stays as it is."""

    desk = failed()
    again(desk)

    with pytest.raises(Conflict) as refused:
        again(desk)

    assert "not_failed" == refused.value.code


def test_what_never_had_media_is_not_retried() -> None:
    """There is nothing to finalize."""

    desk = Desk()
    joined = desk.control.join_call(a_joining())
    recording = replace(desk.recording(), reason="no_media")
    call = desk.core.calls.get(joined.call.key)
    desk.transitions.move(recording, Cause.NO_MEDIA, Writer.OWNER, call=call, at=later(1))

    with pytest.raises(Conflict) as refused:
        again(desk)

    assert "no_media" == refused.value.code
