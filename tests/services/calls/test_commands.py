"""Commands to a call that goes from one worker to another meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from chalicelib.errors import Conflict
from chalicelib.recording import intervals
from chalicelib.recording.commands import Command
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.model import Ending, Interval, RecordOptions, State
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.calls.commands import SETTLING_LOOKS, Commander
from chalicelib.services.calls.record_call import RecordCallRequest, RecordingRequester
from tests.samples import CALL, a_joining, a_profile, later
from tests.services.core_desk import Desk

AT_US = round(later(5).timestamp() * 1_000_000)


def nothing() -> None:
    """Do nothing."""


class Switchboard:
    """A call on `worker-1`, commands to it, and workers that obey while the API waits."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.desk.control.join_call(a_joining())
        self.told: list[str] = []
        self.meanwhile: Callable[[], None] = nothing
        """happens before the next command is carried out"""
        self.is_over = False
        """the workers leave commands: the recording ends"""
        numbers = count()
        self.commands = Commander(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            mailbox=self.desk.core.mailbox,
            now=lambda: later(5),
            wait=lambda _: self._obey(),
            new_id=lambda: f"command-{next(numbers)}",
        )

    def take_over(self, number: int = 2) -> None:
        """Let `worker-2` go on with the call, and capture beside the first."""
        joining = a_joining(
            stream_key=f"stream-{number}",
            worker=f"worker-{number}",
            opened_at=later(4),
            claims_over_epoch=number - 1,
        )
        self.desk.control.join_call(joining)

    def end_the_first(self) -> None:
        """Let `worker-1` have stored all it had."""
        self.desk.control.end_stream(CALL, "stream-1", Ending.BROKEN, later(5))

    def _obey(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, nothing
        meanwhile()
        for worker in ("worker-1", "worker-2", "worker-3"):
            for command in self.desk.core.mailbox.waiting(worker):
                self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        self.told.append(command.worker)
        if not self.is_over:
            self.desk.live.pause(command.recording_id, AT_US, command.behavior)
        self.desk.core.mailbox.remove(command)


def test_who_took_a_call_over_is_told_too() -> None:
    """It read the recording before the first worker paused it: its own pause comes, and only then
    the answer."""

    board = Switchboard()
    board.meanwhile = board.take_over
    answer = board.commands.pause(board.desk.recording(), Behavior.SKIP)
    assert ["worker-1", "worker-2"] == board.told
    assert (True, State.PAUSED) == (answer.is_done, answer.recording.state)


def test_all_who_took_a_call_over_are_told() -> None:
    """One after the other: the second may have lost it, too."""

    board = Switchboard()

    def take_over_twice() -> None:
        board.take_over(2)
        board.take_over(3)

    board.meanwhile = take_over_twice
    board.commands.pause(board.desk.recording(), Behavior.SKIP)
    assert ["worker-1", "worker-2", "worker-3"] == board.told


def test_a_command_waits_until_one_worker_has_the_call() -> None:
    """While it goes over both capture for a moment; then the new one is told."""

    board = Switchboard()
    board.take_over()
    board.meanwhile = board.end_the_first
    answer = board.commands.pause(board.desk.recording(), Behavior.SKIP)
    assert ["worker-2"] == board.told
    assert answer.is_done


def test_a_call_that_stays_on_two_workers_takes_no_command() -> None:
    """After a second it says so."""

    board = Switchboard()
    board.take_over()
    with pytest.raises(Conflict) as caught:
        board.commands.pause(board.desk.recording(), Behavior.SKIP)
    assert "several_workers" == caught.value.code
    assert [] == board.told


def test_a_recording_that_is_ending_is_not_paused() -> None:
    """A digit ended it, and its row doesn't say so yet."""

    board = Switchboard()
    board.is_over = True
    with pytest.raises(Conflict, match="the recording is ending") as caught:
        board.commands.pause(board.desk.recording(), Behavior.SKIP)
    assert "not_recording" == caught.value.code


def test_a_recording_that_is_ending_is_not_discarded() -> None:
    """It ends otherwise, and its media stays: who wants it gone deletes it."""

    board = Switchboard()
    board.is_over = True
    with pytest.raises(Conflict) as caught:
        board.commands.discard(board.desk.recording())
    assert "not_recording" == caught.value.code


def test_a_pending_recording_that_began_meanwhile_is_stopped_by_its_worker() -> None:
    """It has media by then, which only its worker can end."""

    board = Switchboard()
    board.is_over = True
    recording = board.desk.recording()
    with pytest.raises(Conflict, match="the recording is ending"):
        board.commands.stop(replace(recording, state=State.PENDING))
    assert ["worker-1"] == board.told
    assert recording == board.desk.recording()


def test_a_recording_takes_so_many_pauses_and_no_more() -> None:
    """Its row would grow until nobody could write it any more."""

    board = Switchboard()
    shown = tuple(Interval(from_us=one, to_us=one + 1) for one in range(intervals.MOST))
    event = RecordingEvent(recording_id=board.desk.recording().recording_id, at=later(4), event="")
    wild = replace(board.desk.recording(), intervals=shown)
    recording = board.desk.core.recordings.write(wild, event, None)
    with pytest.raises(Conflict) as caught:
        board.commands.pause(recording, Behavior.SKIP)
    assert "too_many_pauses" == caught.value.code
    assert [] == board.told


def test_a_pending_recording_that_changed_meanwhile_is_withdrawn() -> None:
    """A webhook put its labels on it while it was read."""

    board = Switchboard()
    board.end_the_first()
    requester = RecordingRequester(
        calls=board.desk.core.calls,
        transitions=board.desk.transitions,
        now=lambda: later(5),
        pending_for=timedelta(minutes=5),
    )
    request = RecordCallRequest(call_id=CALL.call_id, control_id="mine", options=RecordOptions())
    pending = requester.request(a_profile(), request)
    event = RecordingEvent(recording_id=pending.recording_id, at=later(5), event="labelled")
    board.desk.core.recordings.write(replace(pending, labels={"tag": "x"}), event, None)
    answer = board.commands.stop(pending)
    assert (State.ERROR, {"tag": "x"}) == (answer.recording.state, answer.recording.labels)


def test_a_call_that_settles_too_late_begins_nothing() -> None:
    """What was withdrawn stays so, and nobody is told that it records."""

    board = Switchboard()
    board.take_over()
    looks = count()

    def settle_late() -> None:
        board.meanwhile = settle_late
        if next(looks) == SETTLING_LOOKS:
            board.end_the_first()

    board.meanwhile = settle_late
    requester = RecordingRequester(
        calls=board.desk.core.calls,
        transitions=board.desk.transitions,
        now=lambda: later(5),
        pending_for=timedelta(minutes=5),
    )
    request = RecordCallRequest(call_id=CALL.call_id, control_id="mine", options=RecordOptions())
    pending = requester.request(a_profile(), request)
    with pytest.raises(Conflict) as caught:
        board.commands.begin(pending)
    assert "several_workers" == caught.value.code
    assert [] == board.told
