"""The law of a recording: which state follows which, on what, and who may write it.

A move that has no row here is an error. Nobody else compares states: ask `is_terminal`,
`is_capturing` and `has_callback`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.errors import IllegalTransition
from chalicelib.recording.model import State


class Cause(StrEnum):
    """The causes that move a recording."""

    REQUESTED = "requested"
    FIRST_MEDIA = "first_media"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    DIGIT = "digit"
    END_SILENCE = "end_silence"
    MAX_LENGTH = "max_length"
    CALL_CLOSED = "call_closed"
    CARRIER_FINISHED = "carrier_finished"
    INITIAL_TIMEOUT = "initial_timeout"
    NO_MEDIA = "no_media"
    EMPTY = "empty"
    PUBLISHED = "published"
    NOT_FETCHED = "not_fetched"
    FAILED = "failed"
    RETRY = "retry"
    DISCARD = "discard"


class Writer(StrEnum):
    """The writers that may move a recording."""

    API = "api"
    OWNER = "owner"
    SWEEPER = "sweeper"
    PUBLISH = "publish"
    MARK_ERROR = "mark_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A row of the table: where the move leads, and whose it is."""

    to: State
    writers: frozenset[Writer]


def _by(to: State, *writers: Writer) -> Transition:
    return Transition(to=to, writers=frozenset(writers))


_OWNER_OR_SWEEPER = (Writer.OWNER, Writer.SWEEPER)

TRANSITIONS: dict[tuple[State | None, Cause], Transition] = {
    (None, Cause.REQUESTED): _by(State.PENDING, Writer.API),
    (None, Cause.CARRIER_FINISHED): _by(State.FINALIZING, Writer.API),
    (None, Cause.FIRST_MEDIA): _by(State.RECORDING, *_OWNER_OR_SWEEPER),
    (State.PENDING, Cause.FIRST_MEDIA): _by(State.RECORDING, *_OWNER_OR_SWEEPER),
    (State.PENDING, Cause.NO_MEDIA): _by(State.ERROR, *_OWNER_OR_SWEEPER),
    (State.PENDING, Cause.STOP): _by(State.ERROR, Writer.API, *_OWNER_OR_SWEEPER),
    (State.PENDING, Cause.DISCARD): _by(State.ERROR, Writer.API, *_OWNER_OR_SWEEPER),
    (State.RECORDING, Cause.DISCARD): _by(State.ERROR, *_OWNER_OR_SWEEPER),
    (State.PAUSED, Cause.DISCARD): _by(State.ERROR, *_OWNER_OR_SWEEPER),
    (State.RECORDING, Cause.PAUSE): _by(State.PAUSED, Writer.OWNER),
    (State.PAUSED, Cause.RESUME): _by(State.RECORDING, Writer.OWNER),
    (State.RECORDING, Cause.INITIAL_TIMEOUT): _by(State.NO_INPUT, Writer.OWNER),
    (State.PAUSED, Cause.INITIAL_TIMEOUT): _by(State.NO_INPUT, Writer.OWNER),
    (State.RECORDING, Cause.NO_MEDIA): _by(State.ERROR, *_OWNER_OR_SWEEPER),
    (State.RECORDING, Cause.EMPTY): _by(State.ERROR, *_OWNER_OR_SWEEPER),
    (State.FINALIZING, Cause.PUBLISHED): _by(State.FINISHED, Writer.PUBLISH),
    (State.FINALIZING, Cause.EMPTY): _by(State.ERROR, Writer.PUBLISH),
    (State.FINALIZING, Cause.NOT_FETCHED): _by(State.ERROR, Writer.PUBLISH),
    (State.FINALIZING, Cause.FAILED): _by(State.ERROR, Writer.MARK_ERROR),
    (State.ERROR, Cause.RETRY): _by(State.FINALIZING, Writer.API),
} | {
    (state, cause): _by(State.FINALIZING, *_OWNER_OR_SWEEPER)
    for state in (State.RECORDING, State.PAUSED)
    for cause in (
        Cause.STOP,
        Cause.DIGIT,
        Cause.END_SILENCE,
        Cause.MAX_LENGTH,
        Cause.CALL_CLOSED,
    )
}

_CALLBACK_STATES = frozenset(
    {State.RECORDING, State.PAUSED, State.FINISHED, State.NO_INPUT, State.ERROR}
)
_TERMINAL_STATES = frozenset({State.FINISHED, State.NO_INPUT, State.ERROR})


def advance(state: State | None, cause: Cause, writer: Writer) -> State:
    """Return the state that follows; None as state: the recording doesn't exist yet.

    Raises IllegalTransition where the table has no such row, or the row isn't this writer's.
    """
    row = TRANSITIONS.get((state, cause))
    if row is None:
        raise IllegalTransition(f"a recording that is {state} doesn't move on {cause}")
    if writer not in row.writers:
        raise IllegalTransition(f"{writer} may not move a recording from {state} on {cause}")
    return row.to


def is_terminal(state: State) -> bool:
    """Whether nothing follows but a retry."""
    return state in _TERMINAL_STATES


def is_pending(state: State) -> bool:
    """Whether a recording in this state waits for its call's first media."""
    return state is State.PENDING


def is_finalizing(state: State) -> bool:
    """Whether a recording in this state waits for its rendition."""
    return state is State.FINALIZING


def is_capturing(state: State) -> bool:
    """Whether a recording in this state needs its call's media."""
    return state is State.RECORDING


def is_paused(state: State) -> bool:
    """Whether a recording in this state can be resumed."""
    return state is State.PAUSED


def is_live(state: State) -> bool:
    """Whether the call's end concerns a recording in this state."""
    return state in (State.PENDING, State.RECORDING, State.PAUSED)


def is_finished(state: State) -> bool:
    """Whether a recording in this state can be downloaded."""
    return state is State.FINISHED


def is_failed(state: State) -> bool:
    """Whether a recording in this state can be finalized again."""
    return state is State.ERROR


def leaves_nothing(cause: Cause) -> bool:
    """Whether a recording that ends by this cause is erased."""
    return cause in (Cause.DISCARD, Cause.INITIAL_TIMEOUT)


def has_callback(state: State) -> bool:
    """Whether entering this state owes a status callback."""
    return state in _CALLBACK_STATES
