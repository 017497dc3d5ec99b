"""What the owner writes of a live recording beside its moves."""

from __future__ import annotations

from chalicelib.recording.lifecycle import Cause
from tests.samples import T0, a_joining, later
from tests.services.core_desk import Desk

AT_US = round(T0.timestamp() * 1_000_000)


def test_a_beep_is_noted_once() -> None:
    """The row and the history say so; a second note changes nothing."""

    desk = Desk()
    desk.control.join_call(a_joining())
    before = desk.recording()
    noted = desk.live.note_beep(before.recording_id, AT_US)
    again = desk.live.note_beep(before.recording_id, AT_US + 1)

    assert (True, before.version + 1) == (noted.beep_played, noted.version)
    assert noted == again
    events = desk.core.history.events(before.recording_id)
    assert 1 == sum(event.event == "beep_played" for event in events)
    assert before.state is noted.state


def test_a_recording_that_ended_is_left_as_it_is() -> None:
    """Its finalization may be writing."""

    desk = Desk()
    desk.control.join_call(a_joining())
    recording_id = desk.recording().recording_id
    desk.control.end_recording(recording_id, Cause.DIGIT, later(1), "#")
    ended = desk.recording()

    assert ended == desk.live.note_beep(recording_id, AT_US)
    assert not ended.beep_played
    assert "#" == desk.core.history.events(recording_id)[-1].detail["digit"]
