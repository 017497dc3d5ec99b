"""Where a stream's media goes, by one table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.sink.ingest.stream_state import (
    OVER,
    TRANSITIONS,
    UNSETTLED,
    StreamCause,
    StreamState,
    after,
)


@pytest.mark.parametrize("state", StreamState)
def test_every_state_can_be_reached(state: StreamState) -> None:
    """No state is there for nothing."""
    assert state is StreamState.WAITING or state in TRANSITIONS.values()


@given(causes=st.lists(st.sampled_from(StreamCause)))
def test_whatever_happens_an_end_is_an_end(causes: list[StreamCause]) -> None:
    """A stream that is over stays so, and what is captured here never waits again."""
    state = StreamState.WAITING
    for cause in causes:
        before, state = state, after(state, cause)
        assert state in OVER or before not in OVER
        assert state not in UNSETTLED or before in UNSETTLED
    assert (StreamCause.END in causes) is (state in OVER)


def test_a_stream_that_ends_while_it_waits_is_captured_once() -> None:
    """Its media is settled after the end, and then it is over."""
    ended = after(StreamState.WAITING, StreamCause.END)

    assert StreamState.OVER_WAITING is ended
    assert StreamState.OVER is after(ended, StreamCause.SETTLE)
    assert StreamState.OVER is after(StreamState.OVER, StreamCause.KEEP)


def test_what_an_owner_left_comes_back() -> None:
    """Media of a stream that was forwarded waits here again when its owner is gone."""
    assert StreamState.WAITING is after(StreamState.FORWARDED, StreamCause.TAKE_BACK)
    assert StreamState.OVER_WAITING is after(StreamState.OVER_FORWARDED, StreamCause.TAKE_BACK)
