from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest

from chalicelib.carriers.contract.webhook import StreamState
from chalicelib.errors import PreconditionFailed, Unavailable
from chalicelib.ports.rows import Recordings
from chalicelib.ports.values import InboundEvent, NewRecording
from chalicelib.recording.carrier_reports import CarrierReport
from chalicelib.recording.model import Call, Recording
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.services.intake.intake import ATTEMPTS
from tests.fakes import FakeCore
from tests.samples import a_recording, an_event
from tests.services.intake.test_intake import (
    STARTED,
    received,
    state_of,
    stores,
    stream_event,
    take,
)


class Racing:
    """An inbox in which another webhook of the stream is always faster, n times."""

    def __init__(self, core: FakeCore, times: int) -> None:
        self._core = core
        self.left = times

    def carrier_reports(self, call_key: str) -> list[CarrierReport]:
        return self._core.inbox.carrier_reports(call_key)

    def events(self, call_key: str) -> list[InboundEvent]:
        return self._core.inbox.events(call_key)

    def accept(
        self,
        event: InboundEvent,
        call: Call | None,
        announcement: CarrierReport | None,
        requested: NewRecording | None,
    ) -> bool:
        if self.left:
            self.left -= 1
            raise PreconditionFailed("changed")
        return self._core.inbox.accept(event, call, announcement, requested)


def take_racing(core: FakeCore, times: int) -> bool:
    racing = replace(stores(core), inbox=Racing(core, times))
    return racing.take_in(received(STARTED))


def test_a_faster_webhook_is_read_and_merged() -> None:
    """Losing the race against another webhook means to look again."""

    assert take_racing(FakeCore(), ATTEMPTS - 1)


def test_an_announcement_that_never_rests_is_unavailable() -> None:
    """The carrier is asked to come again; nothing was stored."""

    core = FakeCore()

    with pytest.raises(Unavailable):
        take_racing(core, ATTEMPTS)
    assert {} == core.store.inbound


def test_a_recording_that_moves_meanwhile_is_labelled_at_the_next_look() -> None:
    """Labels lose the race against the owner's move, and are put on what it left."""

    core = FakeCore()
    made = core.recordings.create(a_recording(), an_event(a_recording()), None)

    class Moving:
        """Recordings whose owner moves one between the first read and the first write."""

        moved = False

        def __getattr__(self, name: str) -> Any:
            return getattr(core.recordings, name)

        def write(self, recording: Recording, event: RecordingEvent, outbox: None) -> Recording:
            if not self.moved:
                self.moved = True
                core.recordings.write(replace(made, attempt=1), an_event(made), None)
            return core.recordings.write(recording, event, outbox)

    moving = replace(stores(core), recordings=cast("Recordings", Moving()))
    event = stream_event(StreamState.STARTED, 0, tag="vip")
    moving.take_in(received(event))

    labelled = core.recordings.get(made.recording_id)
    assert (1, "vip") == (labelled.attempt, labelled.labels["tag"])


def test_what_is_taken_in_is_stored() -> None:
    """Whichever port call fails: the event is stored, or the carrier is told to come again."""

    smooth = FakeCore()
    take(smooth, STARTED)
    refused = 0

    for number in range(1, smooth.faults.calls + 1):
        core = FakeCore()
        core.faults.before(number)
        try:
            take(core, STARTED)
        except Unavailable:
            refused += 1
        else:
            assert 1 == len(core.store.inbound), number

    assert refused > 1


def test_a_crash_at_any_port_call_is_mended_by_the_carrier_s_repetition() -> None:
    """Whichever call fails, before or after it acted: the same event again, the same state."""

    event = stream_event(StreamState.STARTED, 0, tag="vip")
    expected = FakeCore()
    expected.recordings.create(a_recording(), an_event(a_recording()), None)
    take(expected, event)
    calls = expected.faults.calls - 1

    for number in range(1, calls + 1):
        for fail in ("before", "after"):
            core = FakeCore()
            core.recordings.create(a_recording(), an_event(a_recording()), None)
            getattr(core.faults, fail)(number)
            with suppress(Unavailable):  # a call that answers NotFound has nothing to lose
                take(core, event)
            core.faults.up()
            take(core, event)

            assert state_of(expected) == state_of(core), (fail, number)
