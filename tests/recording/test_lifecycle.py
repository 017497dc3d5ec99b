"""The transition table, row by row, and everything that has no row."""

from __future__ import annotations

from itertools import product

import pytest

from chalicelib.errors import IllegalTransition
from chalicelib.recording.lifecycle import (
    TRANSITIONS,
    Cause,
    Writer,
    advance,
    has_callback,
    is_capturing,
    is_finalizing,
    is_finished,
    is_live,
    is_pending,
    is_terminal,
    leaves_nothing,
)
from chalicelib.recording.model import State

OWNER_OR_SWEEPER = {Writer.OWNER, Writer.SWEEPER}
ENDINGS = [
    Cause.STOP,
    Cause.DIGIT,
    Cause.END_SILENCE,
    Cause.MAX_LENGTH,
    Cause.CALL_CLOSED,
]

LAW: list[tuple[State | None, Cause, State, set[Writer]]] = [
    (None, Cause.REQUESTED, State.PENDING, {Writer.API}),
    (None, Cause.CARRIER_FINISHED, State.FINALIZING, {Writer.API}),
    (None, Cause.FIRST_MEDIA, State.RECORDING, OWNER_OR_SWEEPER),
    (State.PENDING, Cause.FIRST_MEDIA, State.RECORDING, OWNER_OR_SWEEPER),
    (State.PENDING, Cause.NO_MEDIA, State.ERROR, OWNER_OR_SWEEPER),
    (State.PENDING, Cause.STOP, State.ERROR, OWNER_OR_SWEEPER | {Writer.API}),
    (State.PENDING, Cause.DISCARD, State.ERROR, OWNER_OR_SWEEPER | {Writer.API}),
    (State.RECORDING, Cause.DISCARD, State.ERROR, OWNER_OR_SWEEPER),
    (State.PAUSED, Cause.DISCARD, State.ERROR, OWNER_OR_SWEEPER),
    (State.RECORDING, Cause.PAUSE, State.PAUSED, {Writer.OWNER}),
    (State.PAUSED, Cause.RESUME, State.RECORDING, {Writer.OWNER}),
    *((State.RECORDING, cause, State.FINALIZING, OWNER_OR_SWEEPER) for cause in ENDINGS),
    *((State.PAUSED, cause, State.FINALIZING, OWNER_OR_SWEEPER) for cause in ENDINGS),
    (State.RECORDING, Cause.INITIAL_TIMEOUT, State.NO_INPUT, {Writer.OWNER}),
    (State.PAUSED, Cause.INITIAL_TIMEOUT, State.NO_INPUT, {Writer.OWNER}),
    (State.RECORDING, Cause.NO_MEDIA, State.ERROR, OWNER_OR_SWEEPER),
    (State.RECORDING, Cause.EMPTY, State.ERROR, OWNER_OR_SWEEPER),
    (State.FINALIZING, Cause.PUBLISHED, State.FINISHED, {Writer.PUBLISH}),
    (State.FINALIZING, Cause.EMPTY, State.ERROR, {Writer.PUBLISH}),
    (State.FINALIZING, Cause.NOT_FETCHED, State.ERROR, {Writer.PUBLISH}),
    (State.FINALIZING, Cause.FAILED, State.ERROR, {Writer.MARK_ERROR}),
    (State.ERROR, Cause.RETRY, State.FINALIZING, {Writer.API}),
]


def test_the_table_has_exactly_the_laws_rows() -> None:
    """Nothing moves that the law doesn't name."""

    assert {(state, cause) for state, cause, _, _ in LAW} == set(TRANSITIONS)


@pytest.mark.parametrize(("state", "cause", "to", "writers"), LAW)
def test_only_the_rows_writers_may_move(
    state: State | None, cause: Cause, to: State, writers: set[Writer]
) -> None:
    """Each row leads where the law says, for its writers and nobody else."""
    for writer in Writer:
        if writer in writers:
            assert to is advance(state, cause, writer)
        else:
            with pytest.raises(IllegalTransition, match=f"{writer} may not move"):
                advance(state, cause, writer)


def test_what_has_no_row_is_an_error() -> None:
    """Every other state and cause together move nothing."""
    lawful = {(state, cause) for state, cause, _, _ in LAW}
    for state, cause in product([None, *State], Cause):
        if (state, cause) not in lawful:
            with pytest.raises(IllegalTransition, match="doesn't move on"):
                advance(state, cause, Writer.OWNER)


def test_terminal_states_are_left_by_a_retry_only() -> None:
    """Finished and no_input are the end; an error can be tried again."""
    leaving = {(state, cause) for state, cause in TRANSITIONS if state and is_terminal(state)}

    assert {(State.ERROR, Cause.RETRY)} == leaving


@pytest.mark.parametrize(
    ("question", "states"),
    [
        (is_terminal, {State.FINISHED, State.NO_INPUT, State.ERROR}),
        (is_pending, {State.PENDING}),
        (is_finalizing, {State.FINALIZING}),
        (is_capturing, {State.RECORDING}),
        (is_live, {State.PENDING, State.RECORDING, State.PAUSED}),
        (is_finished, {State.FINISHED}),
        (
            has_callback,
            {State.RECORDING, State.PAUSED, State.FINISHED, State.NO_INPUT, State.ERROR},
        ),
    ],
)
def test_answers_what_others_ask(question, states: set[State]) -> None:  # type: ignore[no-untyped-def]  # seven equal signatures
    """Nobody else compares states: the questions divide them as DESIGN does."""

    assert states == {state for state in State if question(state)}


def test_what_was_discarded_or_heard_nobody_leaves_nothing() -> None:
    """Of everything else that ends, something is kept."""

    assert [Cause.INITIAL_TIMEOUT, Cause.DISCARD] == [c for c in Cause if leaves_nothing(c)]
