"""The law of an outgoing tap: which state follows which, on what, and who may write it.

Entering any state owes a status callback. A move that has no row here is an error. Nobody else
compares states: ask `is_tapping` and `is_finished`.
"""

from __future__ import annotations

from enum import StrEnum

from chalicelib.errors import IllegalTransition
from chalicelib.recording.lifecycle import Writer
from chalicelib.tapping.model import TapState


class TapCause(StrEnum):
    """What moves a tap."""

    STARTED = "started"
    STOP = "stop"
    CALL_CLOSED = "call_closed"
    UNREACHABLE = "unreachable"
    """its destination refused, hung up or never answered"""


TRANSITIONS: dict[tuple[TapState | None, TapCause], tuple[TapState, frozenset[Writer]]] = {
    (None, TapCause.STARTED): (TapState.TAPPING, frozenset({Writer.OWNER})),
    (None, TapCause.UNREACHABLE): (TapState.FINISHED, frozenset({Writer.OWNER})),
    (TapState.TAPPING, TapCause.STOP): (TapState.FINISHED, frozenset({Writer.OWNER})),
    (TapState.TAPPING, TapCause.UNREACHABLE): (TapState.FINISHED, frozenset({Writer.OWNER})),
    (TapState.TAPPING, TapCause.CALL_CLOSED): (
        TapState.FINISHED,
        frozenset({Writer.OWNER, Writer.SWEEPER}),
    ),
}
"""a tap whose destination never took it is finished at once; a dead owner's taps died with it: the
sweeper ends them with their call"""


def advance(state: TapState | None, cause: TapCause, writer: Writer) -> TapState:
    """Return the state that follows; None as state: the tap doesn't exist yet.

    Raises IllegalTransition where the table has no such row, or the row isn't this writer's.
    """
    row = TRANSITIONS.get((state, cause))
    if row is None:
        raise IllegalTransition(f"a tap that is {state} doesn't move on {cause}")
    to, writers = row
    if writer not in writers:
        raise IllegalTransition(f"{writer} may not move a tap from {state} on {cause}")
    return to


def is_tapping(state: TapState) -> bool:
    """Whether a tap in this state sends."""
    return state is TapState.TAPPING


def is_finished(state: TapState) -> bool:
    """Whether nothing follows."""
    return state is TapState.FINISHED
