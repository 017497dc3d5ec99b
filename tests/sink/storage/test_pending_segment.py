"""How far a segment has come: the table, and what a segment does by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.sink.storage.batch import BatchState
from chalicelib.sink.storage.pending_segment import (
    TRANSITIONS,
    PendingSegment,
    SegmentEvent,
    SegmentState,
)
from chalicelib.sink.storage.spool import SpooledSegment
from tests.sink.storage.test_journal import batch

EVENTS: dict[SegmentEvent, Callable[[PendingSegment], object]] = {
    SegmentEvent.SPOOLED: lambda one: one.spool(SpooledSegment(b"bytes")),
    SegmentEvent.REPLACED: lambda one: one.replace(SpooledSegment(b"lost")),
    SegmentEvent.PUT_BEGAN: PendingSegment.begin_put,
    SegmentEvent.PUT_ABANDONED: PendingSegment.abandon_put,
    SegmentEvent.STORED: PendingSegment.finish,
    SegmentEvent.DISCARDED: PendingSegment.discard,
}
PATHS: dict[SegmentState, tuple[SegmentEvent, ...]] = {
    SegmentState.SEALED: (),
    SegmentState.WAITING: (SegmentEvent.SPOOLED,),
    SegmentState.STORING: (SegmentEvent.SPOOLED, SegmentEvent.PUT_BEGAN),
    SegmentState.DONE: (SegmentEvent.DISCARDED,),
}
COVERING = (SegmentEvent.REPLACED, SegmentEvent.STORED, SegmentEvent.DISCARDED)
IMPOSSIBLE = [
    (state, event)
    for state in SegmentState
    for event in SegmentEvent
    if (state, event) not in TRANSITIONS
]


def led_to(state: SegmentState) -> PendingSegment:
    """Return a segment that events have led to a state."""
    one = PendingSegment([batch(b"abc"), batch(b"de", first_sample=3)], 4)
    for event in PATHS[state]:
        EVENTS[event](one)
    return one


@pytest.mark.parametrize(("state", "event"), list(TRANSITIONS))
def test_an_event_leads_where_the_table_says(state: SegmentState, event: SegmentEvent) -> None:
    """What ends a segment, or replaces its media, covers its batches."""

    one = led_to(state)
    EVENTS[event](one)
    assert (TRANSITIONS[state, event], 5) == (one.state, one.size)
    covered = all(part.state is BatchState.COVERED for part in one.batches)
    assert (event in COVERING) == covered


@pytest.mark.parametrize(("state", "event"), IMPOSSIBLE)
def test_what_the_table_lacks_is_a_fault(state: SegmentState, event: SegmentEvent) -> None:
    """No event is ignored silently."""

    one = led_to(state)
    with pytest.raises((KeyError, AssertionError)):
        EVENTS[event](one)
    assert state is one.state


def test_it_keeps_batches_until_the_journal_is_done_with_them() -> None:
    """Their first journal number may come after the segment's bytes were made."""

    one = led_to(SegmentState.WAITING)
    one.settle()
    assert (2, None) == (len(one.batches), one.first_number)
    one.batches[0].leave_out()
    one.batches[1].journal(9)
    one.settle()
    assert ([], 9) == (one.batches, one.first_number)


def test_a_segment_that_is_not_encoded_keeps_its_batches() -> None:
    """Nothing else has their media."""

    one = led_to(SegmentState.SEALED)
    for part in one.batches:
        part.journal(3)
    one.settle()
    assert (2, 3) == (len(one.batches), one.first_number)


def test_what_a_file_holds_is_known_without_it() -> None:
    """A file may become unreadable: a segment in one also keeps what would be lost with it."""

    in_file = SpooledSegment(b"bytes")
    in_file.file = object()  # type: ignore[assignment]
    one = led_to(SegmentState.SEALED)
    one.spool(in_file)
    assert one.lost_media is not None
    assert (1, 5) == (
        len(one.lost_media.heads),
        sum(record.samples for record in one.lost_media.records),
    )
    assert led_to(SegmentState.WAITING).lost_media is None


def test_what_replaces_unreadable_bytes_keeps_the_first_number() -> None:
    """The journal's objects stay until the replacement is stored."""

    one = led_to(SegmentState.STORING)
    one.batches[0].journal(2)
    one.replace(SpooledSegment(b"lost"))
    one.settle()
    assert ([], 2) == (one.batches, one.first_number)
