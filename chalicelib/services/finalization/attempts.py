"""How often a finalization is tried, and how long it waits between: by where its media lies."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.errors import CarrierUnavailable
from chalicelib.recording.model import Recording, RecordingOrigin

WAITS = (timedelta(minutes=1), timedelta(minutes=5))
"""Before the second attempt and the third: a store that is down is seldom back within seconds."""

FETCH_WAITS = (
    *WAITS,
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""A carrier that is down must be back within three days, as receivers of status callbacks: carriers
keep a file for 30 days or longer, and afterwards a retry can be asked for."""

NEWER_WAIT = timedelta(hours=1)
"""Before the next attempt at what only newer code can finish: it comes with the next deployment."""

MAX_ATTEMPTS = len(WAITS) + 1

FINALIZATION_FAILED = "finalization_failed"

_REASONS = {CarrierUnavailable.__name__: CarrierUnavailable.code}


def is_last(recording: Recording) -> bool:
    """Whether no attempt follows a recording's present one."""
    return recording.attempt > len(_waits(recording))


def wait_after(recording: Recording) -> timedelta:
    """Return how long after its failure the present attempt is followed by the next."""
    return _waits(recording)[recording.attempt - 1]


def reason_of(recording: Recording, error: str) -> str:
    """Return the code for what ended a recording: the error's class name, as its task raised it."""
    if recording.source is RecordingOrigin.CARRIER:
        return _REASONS.get(error, FINALIZATION_FAILED)
    return FINALIZATION_FAILED


def _waits(recording: Recording) -> tuple[timedelta, ...]:
    return FETCH_WAITS if recording.source is RecordingOrigin.CARRIER else WAITS
