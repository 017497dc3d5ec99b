"""Who still needs a batch's media: the table, and what a batch does by it."""

from __future__ import annotations

import pytest

from chalicelib.sink.storage.batch import TRANSITIONS, Batch, BatchEvent, BatchState
from tests.sink.storage.test_journal import batch

EVENTS = {
    BatchEvent.JOURNALED: lambda one: one.journal(7),
    BatchEvent.LEFT_OUT: Batch.leave_out,
    BatchEvent.SPOOLED: Batch.spool,
    BatchEvent.COVERED: Batch.cover,
}
PATHS = {
    BatchState.OPEN: (),
    BatchState.JOURNALED: (BatchEvent.JOURNALED,),
    BatchState.SPOOLED: (BatchEvent.SPOOLED,),
    BatchState.RELEASED: (BatchEvent.JOURNALED, BatchEvent.SPOOLED),
    BatchState.COVERED: (BatchEvent.COVERED,),
}
IMPOSSIBLE = [
    (state, event)
    for state in BatchState
    for event in BatchEvent
    if (state, event) not in TRANSITIONS
    and (state, event) != (BatchState.OPEN, BatchEvent.LEFT_OUT)
]


def led_to(state: BatchState) -> Batch:
    """Return a batch that events have led to a state."""
    one = batch(b"abc")
    for event in PATHS[state]:
        EVENTS[event](one)
    return one


@pytest.mark.parametrize(("state", "event"), list(TRANSITIONS))
def test_an_event_leads_where_the_table_says(state: BatchState, event: BatchEvent) -> None:
    """The media is there exactly while the journal or a segment needs it."""

    one = led_to(state)
    EVENTS[event](one)
    after = TRANSITIONS[state, event]
    assert after is one.state
    assert (after in (BatchState.RELEASED, BatchState.COVERED)) == (one.records == [])
    assert (one.records == []) == (one.heads == [])
    assert 3 == one.size


@pytest.mark.parametrize(("state", "event"), IMPOSSIBLE)
def test_what_the_table_lacks_is_a_fault(state: BatchState, event: BatchEvent) -> None:
    """No event is ignored silently."""

    one = led_to(state)
    with pytest.raises(KeyError):
        EVENTS[event](one)
    assert state is one.state


def test_the_journal_never_leaves_out_the_only_copy() -> None:
    """An open batch stays pending; a spooled one, and a covered one, are left out."""

    left_out = [led_to(state).leave_out() for state in (BatchState.OPEN, BatchState.SPOOLED)]
    assert [False, True] == left_out
    assert led_to(BatchState.COVERED).leave_out()


def test_a_number_is_settled_when_the_journal_is_done_with_it() -> None:
    """While the journal may still take a batch, its number may still come."""

    settled = {state: led_to(state).is_settled for state in BatchState}
    assert [BatchState.OPEN, BatchState.SPOOLED] == [one for one in BatchState if not settled[one]]
    assert 7 == led_to(BatchState.RELEASED).number


def test_every_state_has_a_way_to_covered() -> None:
    """No batch holds its media for ever."""

    assert set(BatchState) == {state for state, event in TRANSITIONS if event is BatchEvent.COVERED}
