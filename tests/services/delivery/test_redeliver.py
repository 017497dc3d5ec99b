from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.errors import NotFound
from chalicelib.recording.outbox import OutboxRow
from chalicelib.services.delivery.redeliver import Redeliverer
from tests.fakes import FakeCore, FakeWorkflows
from tests.samples import ASKER, a_callback, a_recording, an_event, later
from tests.services.written_first import WrittenFirst


def given_up(core: FakeCore) -> tuple[OutboxRow, OutboxRow]:
    """Store a recording whose two callbacks came to nothing."""
    recording = a_recording()
    first = a_callback(recording, 1, attempts=10, given_up="exhausted", first_ended_at=later(1))
    second = a_callback(recording, 2, attempts=3, given_up="gone", first_ended_at=later(2))
    stored = core.recordings.create(recording, an_event(recording), first)
    core.recordings.write(stored, an_event(recording, at=later(2)), second)
    return first, second


def again(core: FakeCore, workflows: FakeWorkflows, webhook_id: str = "") -> OutboxRow:
    redeliverer = Redeliverer(
        outbox=core.outbox,
        history=core.history,
        receivers=core.receivers,
        workflows=workflows,
        now=lambda: later(9),
    )
    return redeliverer.redeliver(a_recording().recording_id, webhook_id, ASKER)


def test_the_latest_callback_gets_a_whole_new_schedule() -> None:
    """A round under the same id: attempts count from nothing, the first is due at once."""

    core, workflows = FakeCore(), FakeWorkflows()
    _, second = given_up(core)

    begun = again(core, workflows)

    expected = replace(second, round=2, attempts=0, given_up="", next_at=later(9))
    assert expected == begun
    assert [(begun.recording_id, second.webhook_id, 2)] == workflows.deliveries


def test_a_round_is_written_before_its_delivery_starts() -> None:
    """An execution that began before would find the round that was given up."""

    core = FakeCore()
    workflows = WrittenFirst(core.store)
    given_up(core)

    again(core, workflows)

    assert 1 == len(workflows.deliveries)
    assert [] == workflows.early


def test_a_callback_can_be_named() -> None:
    """The first one, though a later one is there."""

    core, workflows = FakeCore(), FakeWorkflows()
    first, _ = given_up(core)

    assert first.webhook_id == again(core, workflows, first.webhook_id).webhook_id


def test_who_asked_again_stands_in_the_history() -> None:
    """A redelivery is an event of the recording."""

    core = FakeCore()
    given_up(core)

    begun = again(core, FakeWorkflows())

    line = core.history.events(begun.recording_id)[-1]
    told = {"webhook_id": begun.webhook_id, "round": 2, "by": "key", "key_id": ASKER.key_id}
    assert ("redelivery_requested", told) == (line.event, line.detail)


def test_where_nothing_is_owed_there_is_nothing_to_repeat() -> None:
    """A recording without callbacks."""

    with pytest.raises(NotFound):
        again(FakeCore(), FakeWorkflows())
