"""The law of a tap."""

from __future__ import annotations

from itertools import product

import pytest

from chalicelib.errors import IllegalTransition
from chalicelib.recording.lifecycle import Writer
from chalicelib.tapping.lifecycle import TRANSITIONS, TapCause, advance, is_finished, is_tapping
from chalicelib.tapping.model import TapState


@pytest.mark.parametrize("cause", [TapCause.STOP, TapCause.CALL_CLOSED, TapCause.UNREACHABLE])
def test_taps_then_is_finished(cause: TapCause) -> None:
    """The owner starts a tap and ends it, whatever ended it."""
    tapping = advance(None, TapCause.STARTED, Writer.OWNER)

    assert TapState.TAPPING == tapping
    assert TapState.FINISHED == advance(tapping, cause, Writer.OWNER)


def test_the_sweeper_ends_a_dead_owners_taps() -> None:
    """With their call, and in no other way."""
    assert TapState.FINISHED == advance(TapState.TAPPING, TapCause.CALL_CLOSED, Writer.SWEEPER)
    with pytest.raises(IllegalTransition, match="sweeper may not move a tap from tapping on stop"):
        advance(TapState.TAPPING, TapCause.STOP, Writer.SWEEPER)


@pytest.mark.parametrize(
    ("state", "cause"),
    [pair for pair in product([None, *TapState], TapCause) if pair not in TRANSITIONS],
)
def test_what_has_no_row_is_an_error(state: TapState | None, cause: TapCause) -> None:
    """No other move exists; nothing follows the end."""
    with pytest.raises(IllegalTransition, match=f"a tap that is {state} doesn't move on {cause}"):
        advance(state, cause, Writer.OWNER)


def test_a_state_is_one_or_the_other() -> None:
    """A tap sends or is finished."""
    assert [(True, False), (False, True)] == [(is_tapping(s), is_finished(s)) for s in TapState]
