"""Where a stream's media goes: one state, and one table of what changes it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class IngestState(StrEnum):
    """Where media goes that comes now; over: where what came before is."""

    WAITING = "waiting"
    """nobody knows yet which worker captures it: its media waits as it came"""
    FORWARDED = "forwarded"
    """to the worker that owns the call"""
    KEPT = "kept"
    """to this worker's capture"""
    COUNTED = "counted"
    """nowhere: nobody records, and only its length is noted"""
    OVER_WAITING = "over_waiting"
    """the stream ended, and its media still waits"""
    OVER_FORWARDED = "over_forwarded"
    """the stream ended while it was forwarded; its media may come back"""
    OVER = "over"


class IngestCause(StrEnum):
    """What changes it."""

    SETTLE = "settle"
    """this worker captures it: what waits goes to its tracks"""
    KEEP = "keep"
    """somebody records from here on"""
    COUNT = "count"
    """nobody records from here on"""
    FORWARD = "forward"
    """another worker captures it"""
    TAKE_BACK = "take_back"
    """the other worker is gone; what it may not have stored waits here again"""
    END = "end"


_S, _C = IngestState, IngestCause

TRANSITIONS: Mapping[tuple[IngestState, IngestCause], IngestState] = MappingProxyType(
    {
        (_S.WAITING, _C.SETTLE): _S.KEPT,
        (_S.WAITING, _C.FORWARD): _S.FORWARDED,
        (_S.WAITING, _C.TAKE_BACK): _S.WAITING,
        (_S.WAITING, _C.END): _S.OVER_WAITING,
        (_S.FORWARDED, _C.SETTLE): _S.KEPT,
        (_S.FORWARDED, _C.FORWARD): _S.FORWARDED,
        (_S.FORWARDED, _C.TAKE_BACK): _S.WAITING,
        (_S.FORWARDED, _C.END): _S.OVER_FORWARDED,
        (_S.KEPT, _C.KEEP): _S.KEPT,
        (_S.KEPT, _C.COUNT): _S.COUNTED,
        (_S.KEPT, _C.END): _S.OVER,
        (_S.COUNTED, _C.KEEP): _S.KEPT,
        (_S.COUNTED, _C.COUNT): _S.COUNTED,
        (_S.COUNTED, _C.END): _S.OVER,
        (_S.OVER_WAITING, _C.SETTLE): _S.OVER,
        (_S.OVER_WAITING, _C.FORWARD): _S.OVER_FORWARDED,
        (_S.OVER_WAITING, _C.TAKE_BACK): _S.OVER_WAITING,
        (_S.OVER_FORWARDED, _C.SETTLE): _S.OVER,
        (_S.OVER_FORWARDED, _C.FORWARD): _S.OVER_FORWARDED,
        (_S.OVER_FORWARDED, _C.TAKE_BACK): _S.OVER_WAITING,
    }
)
"""what isn't here changes nothing"""


def after(state: IngestState, cause: IngestCause) -> IngestState:
    """Return the state that follows."""
    return TRANSITIONS.get((state, cause), state)


UNSETTLED = frozenset({_S.WAITING, _S.FORWARDED, _S.OVER_WAITING, _S.OVER_FORWARDED})
"""none of the stream's media is in this worker's capture"""
OVER = frozenset({_S.OVER_WAITING, _S.OVER_FORWARDED, _S.OVER})
