"""Where a stream's media goes, by one table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.sink.ingest.ingest_state import (
    OVER,
    TRANSITIONS,
    UNSETTLED,
    IngestCause,
    IngestState,
    after,
)


@pytest.mark.parametrize("state", IngestState)
def test_every_state_can_be_reached(state: IngestState) -> None:
    """No state is there for nothing."""
    assert state is IngestState.WAITING or state in TRANSITIONS.values()


@given(causes=st.lists(st.sampled_from(IngestCause)))
def test_whatever_happens_an_end_is_an_end(causes: list[IngestCause]) -> None:
    """A stream that is over stays so, and what is captured here never waits again."""
    state = IngestState.WAITING
    for cause in causes:
        before, state = state, after(state, cause)
        assert state in OVER or before not in OVER
        assert state not in UNSETTLED or before in UNSETTLED
    assert (IngestCause.END in causes) is (state in OVER)


def test_a_stream_that_ends_while_it_waits_is_captured_once() -> None:
    """Its media is settled after the end, and then it is over."""
    ended = after(IngestState.WAITING, IngestCause.END)

    assert IngestState.OVER_WAITING is ended
    assert IngestState.OVER is after(ended, IngestCause.SETTLE)
    assert IngestState.OVER is after(IngestState.OVER, IngestCause.KEEP)


def test_what_an_owner_left_comes_back() -> None:
    """Media of a stream that was forwarded waits here again when its owner is gone."""
    assert IngestState.WAITING is after(IngestState.FORWARDED, IngestCause.TAKE_BACK)
    assert IngestState.OVER_WAITING is after(IngestState.OVER_FORWARDED, IngestCause.TAKE_BACK)
