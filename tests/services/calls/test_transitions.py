"""What a move of a recording starts, and when: its row says so first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.errors import PreconditionFailed, Unavailable
from chalicelib.recording.intervals import Behavior
from chalicelib.services.calls.transitions import FINALIZATION_TIMEOUT, persistently
from tests.samples import a_joining, later
from tests.services.calls.test_call_lifecycle import whole_call
from tests.services.core_desk import Desk
from tests.services.written_first import a_desk

AT_US = round(later(5).timestamp() * 1_000_000)


def test_a_finalization_starts_when_its_row_says_so() -> None:
    """One that began before would find a recording that still records, and fail for good."""

    desk, workflows = a_desk()

    whole_call(desk)

    assert [(desk.recording().recording_id, 1)] == workflows.finalizations
    assert desk.recording().recording_id not in workflows.early


def test_a_callback_s_delivery_starts_when_its_row_is_there() -> None:
    """One that began before would find no callback, and its name would be used up."""

    desk, workflows = a_desk()

    desk.control.join_call(a_joining())
    first = len(workflows.deliveries)
    desk.live.pause(desk.recording().recording_id, AT_US, Behavior.SKIP)

    assert (1, 2) == (first, len(workflows.deliveries))
    assert [] == workflows.early


def test_a_finalization_that_never_began_is_due() -> None:
    """The row leads the sweeper to it, two minutes after its move."""

    desk = Desk()

    whole_call(desk)

    assert later(11) + FINALIZATION_TIMEOUT == desk.recording().due_at
    assert timedelta(minutes=2) == FINALIZATION_TIMEOUT


def test_a_step_that_always_loses_is_unavailable() -> None:
    """It is begun again while others are faster, and there is an end to trying."""

    tries = []

    def step() -> None:
        tries.append(1)
        raise PreconditionFailed("version is 2, not 1")

    with pytest.raises(Unavailable, match="version is 2"):
        persistently(step)
    assert 8 == len(tries)
