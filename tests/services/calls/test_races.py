"""Two who move the same call at once: whoever comes in between, and wherever, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from chalicelib.errors import PreconditionFailed
from chalicelib.recording import keys
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import Ending
from chalicelib.recording.pending import pending_recording, requested
from chalicelib.services.recovery.overdue import OverdueHandler
from tests.samples import CALL, STATUS_URL, a_call, a_joining, a_profile, an_event, later
from tests.services.core_desk import Desk, an_erasing

STEPS = 25
"""more port calls than any of these functions makes"""


def over(desk: Desk) -> None:
    """Let a first stream have come and gone."""
    desk.control.join_call(a_joining())
    desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))


def second_stream(desk: Desk) -> None:
    """Let a second stream join on another worker, that captures it itself."""
    second = a_joining(stream_key="stream-2", worker="w2", opened_at=later(11))
    desk.control.join_call(replace(second, is_captured=True))


def close(desk: Desk) -> None:
    """Close the first round."""
    desk.control.close_call(CALL, 1, later(11))


def close_as_sweeper(desk: Desk) -> None:
    """Close the first round in the owner's place."""
    desk.control_of(Writer.SWEEPER).close_call(CALL, 1, later(12))


def label(desk: Desk) -> None:
    """Put a label on every recording of the call, as a late webhook does."""
    for recording in desk.core.recordings.of_call(CALL.key):
        labelled = replace(recording, labels={**recording.labels, "tag": "vip"})
        desk.core.recordings.write(labelled, an_event(labelled, at=later(9), event="x"), None)


def records_what_lives(desk: Desk) -> None:
    """Assert that a live stream has a live recording of its round, and an ended one none."""
    streams = desk.core.calls.streams(CALL.key)
    call = desk.core.calls.get(CALL.key)
    for recording in desk.recordings():
        lives = any(s.ended_at is None for s in streams if s.round == recording.round)
        assert lives == (str(recording.state) == "recording"), recording
    assert call.open == any(stream.ended_at is None for stream in streams)
    rounds = [recording.round for recording in desk.recordings()]
    assert sorted(set(rounds)) == rounds


@pytest.mark.parametrize("n", range(1, STEPS))
@pytest.mark.parametrize("other", [close_as_sweeper, second_stream])
def test_closing(other: Callable[[Desk], None], n: int) -> None:
    """A stream that joins while a call closes keeps it open, or begins the next round."""

    desk = Desk()
    over(desk)
    desk.core.faults.meanwhile(n, lambda: other(desk))
    close(desk)
    for _ in range(STEPS):  # where it didn't come in between, it comes now
        desk.core.faults.call(lambda: None)
    close(desk)
    records_what_lives(desk)


@pytest.mark.parametrize("n", range(1, STEPS))
@pytest.mark.parametrize("other", [close, close_as_sweeper, label])
def test_joining(other: Callable[[Desk], None], n: int) -> None:
    """A call that closes while a stream joins stays open, or the stream begins the next round."""

    desk = Desk()
    over(desk)
    desk.core.faults.meanwhile(n, lambda: other(desk))
    second_stream(desk)
    close(desk)
    records_what_lives(desk)


@pytest.mark.parametrize("n", range(1, STEPS))
def test_joining_first(n: int) -> None:
    """Two first streams of a call on two workers share its round and its recording."""

    desk = Desk()
    desk.core.faults.meanwhile(n, lambda: second_stream(desk))
    desk.control.join_call(a_joining())
    records_what_lives(desk)
    assert {1} == {stream.round for stream in desk.core.calls.streams(CALL.key)}


@pytest.mark.parametrize("n", range(1, STEPS))
def test_ending(n: int) -> None:
    """The owner and the sweeper who end one stream leave one end, and one finalization."""

    desk = Desk()
    desk.control.join_call(a_joining())
    (stream,) = desk.core.calls.streams(CALL.key)
    sweeper = desk.control_of(Writer.SWEEPER)

    def lose() -> None:
        sweeper.lose_stream(stream, later(9))
        sweeper.close_call(CALL, 1, later(30))

    desk.core.faults.meanwhile(n, lose)
    desk.control.end_stream(CALL, "stream-1", Ending.STOPPED, later(10))
    desk.control.close_call(CALL, 1, later(31))
    assert [(desk.recording().recording_id, 1)] == desk.workflows.finalizations
    assert ["finalizing"] == desk.states()


def announced(desk: Desk) -> str:
    """Let a webhook have announced a stream; return the id of the recording that waits for it."""
    profile = a_profile()
    assert profile.record_call is not None
    desk.core.calls.ensure(a_call(open=False, round=0, generation=0))
    waiting = pending_recording(
        CALL,
        profile,
        control_id=keys.default_control_id(CALL.key, 1),
        round_=1,
        options=profile.record_call,
        labels={},
        at=later(0),
        due_at=later(15),
    )
    desk.core.recordings.create(waiting, requested(waiting, "tap"), None)
    return waiting.recording_id


@pytest.mark.parametrize("n", range(1, STEPS))
@pytest.mark.parametrize("streams_come_first", [True, False])
def test_waiting_in_vain(streams_come_first: bool, n: int) -> None:
    """A stream that comes in the moment in which its recording fails for want of it is recorded,
    and so is its second stream, in one recording."""

    desk = Desk()
    waiting = announced(desk)
    sweeper = OverdueHandler(
        control=desk.control_of(Writer.SWEEPER),
        outbox=desk.core.outbox,
        erasing=an_erasing(desk.core),
        mailbox=desk.core.mailbox,
    )

    def sweep() -> None:
        with suppress(PreconditionFailed):  # the stream was faster
            sweeper.recording(waiting, later(16))

    def join() -> None:
        second_stream(desk)

    first, meanwhile = (join, sweep) if streams_come_first else (sweep, join)
    desk.core.faults.meanwhile(n, meanwhile)
    first()
    for _ in range(STEPS):
        desk.core.faults.call(lambda: None)
    desk.control.join_call(a_joining(opened_at=later(17)))
    assert 1 == desk.states().count("recording"), desk.states()
    assert {"recording", "error"} >= set(desk.states())
    assert desk.core.calls.get(CALL.key).open


class Found(list[tuple[str, str, int]]):
    """Deliveries that were started, each of a callback that was written before."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def append(self, started: tuple[str, str, int]) -> None:
        assert started[1] in {row.webhook_id for row in self._desk.core.store.outbox.values()}
        super().append(started)


@pytest.mark.parametrize("n", range(1, STEPS))
def test_beginning_what_is_announced(n: int) -> None:
    """A stream whose recording is announced in the moment in which it begins one: an execution
    that found no callback would use up the name of the one that has to send it."""

    desk = Desk(a_profile(status_url=STATUS_URL))
    desk.workflows.deliveries = Found(desk)
    desk.core.faults.meanwhile(n, lambda: announced(desk))
    desk.control.join_call(a_joining())
    assert [1] == [row.number for row in desk.core.store.outbox.values()]
    assert 1 == len(desk.workflows.deliveries)
