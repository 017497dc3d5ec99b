"""Decides when a status callback is attempted, and when it is given up.

Ten attempts in about 75 hours; a recording's states arrive in order, because a callback's first
attempt waits until every earlier one has been tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.recording.outbox import OutboxRow

WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""after the first attempt, the second, …; Standard Webhooks' and Svix's example, made longer"""

MAX_ATTEMPTS = len(WAITS_S) + 1
MAX_RETRY_AFTER_S = 86_400
_LEAST_TURN_WAIT_S, _LARGEST_TURN_WAIT_S = 1.0, 60.0
_SECONDS = re.compile(r"[0-9]+")
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""of now, of RFC 850, of C's asctime: a reader of dates accepts all three (RFC 9110, 5.6.7)"""


class GivenUpReason(StrEnum):
    """The reasons for giving a callback up."""

    EXHAUSTED = "exhausted"
    GONE = "gone"
    """the receiver answered 410, to this callback or to an earlier one"""
    SUPERSEDED = "superseded"
    """a later state of the recording was delivered meanwhile"""
    DISABLED = "disabled"
    """its URL accepted nothing for 120 hours"""
    REFUSED = "refused"
    """the URL's text fails the URL guard"""
    DELETED = "deleted"
    """the recording and its callbacks are gone"""


def wait_s(attempts: int, jitter: float, wait_scale: float) -> float | None:
    """Return the seconds between the end of the n-th attempt and the next; None: there is none.

    ± 20 % of the schedule, as `jitter` goes from 0 to 1; `wait_scale` multiplies it.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    return WAITS_S[attempts - 1] * (0.8 + 0.4 * jitter) * wait_scale


def retry_after_s(header: str, at: datetime) -> float:
    """Return what a Retry-After asks for in seconds, at most a day; 0 for none or nonsense.

    Source: RFC 9110, 10.2.3: seconds or a date.
    """
    if _SECONDS.fullmatch(header):
        return min(float(header), MAX_RETRY_AFTER_S)
    for form in _DATES:
        try:
            until = datetime.strptime(header, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return min(max((until - at).total_seconds(), 0.0), MAX_RETRY_AFTER_S)
    return 0.0


def is_its_turn(row: OutboxRow, rows: Iterable[OutboxRow]) -> bool:
    """Whether every earlier callback of the recording has been tried."""
    if row.first_ended_at is not None:
        return True
    return all(_was_tried(other) for other in rows if other.number < row.number)


def turn_wait_s(row: OutboxRow, at: datetime) -> float:
    """Return the seconds until asking again whether it is this row's turn.

    A second at first, then an eighth of the row's age: an execution's history is finite.
    """
    age_s = (at - row.created_at).total_seconds()
    return min(max(age_s / 8, _LEAST_TURN_WAIT_S), _LARGEST_TURN_WAIT_S)


def is_superseded(row: OutboxRow, rows: Iterable[OutboxRow]) -> bool:
    """Whether a retry of this row would bring old news; a first attempt never does."""
    return row.attempts > 0 and any(
        other.number > row.number and other.delivered_at is not None for other in rows
    )


def _was_tried(row: OutboxRow) -> bool:
    return row.first_ended_at is not None or row.delivered_at is not None or bool(row.given_up)
