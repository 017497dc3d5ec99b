"""When a status URL is called no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.recording.endpoint_health import (
    EndpointHealth,
    expires_at,
    failed,
    gone,
    is_stopped,
)

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
URL = "https://example.com/status"


def hours(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def failing(at: list[float]) -> EndpointHealth:
    """Return a receiver that failed at these hours."""
    receiver = None
    for hour in at:
        receiver = failed(receiver, "main", URL, hours(hour))
    assert receiver is not None
    return receiver


def test_is_tried_while_it_fails() -> None:
    """One failure, or failures for a little less than 120 hours, stop nothing."""

    assert not is_stopped(None, NOON)
    assert not is_stopped(failing([0]), NOON)
    assert not is_stopped(failing([0, 30, 60, 90, 119.9]), hours(119.9))


def test_is_disabled_after_120_hours() -> None:
    """Where nothing was taken in 120 hours, nothing more is sent, and it says since when."""

    receiver = failing([0, 30, 60, 90, 120])

    assert ("disabled", NOON, hours(120)) == (
        receiver.stopped,
        receiver.failing_since,
        receiver.failed_at,
    )
    assert is_stopped(receiver, hours(120))


@pytest.mark.parametrize("hour", [90.1, 500])
def test_begins_anew_after_a_silence(hour: float) -> None:
    """A longer pause than the schedule's is nobody's failure: 120 hours begin anew."""

    receiver = failing([0, 30, 60, hour])

    assert ("", hours(hour)) == (receiver.stopped, receiver.failing_since)


def test_is_gone_when_it_says_so() -> None:
    """A 410 stops it at once, whatever it did before."""

    for before in (None, failing([0, 1])):
        receiver = gone(before, "main", URL, hours(2))
        assert ("gone", True) == (receiver.stopped, is_stopped(receiver, hours(3)))


def test_is_tried_again_after_a_month() -> None:
    """Thirty days after it was stopped, and with 120 hours of its own then."""

    stopped = failing([0, 30, 60, 90, 120])
    later = expires_at(stopped)

    assert hours(120) + timedelta(days=30) == later
    assert is_stopped(stopped, later - timedelta(seconds=1))
    assert not is_stopped(stopped, later)
    assert EndpointHealth(account="main", url=URL, failing_since=later, failed_at=later) == failed(
        stopped, "main", URL, later
    )


def test_is_forgotten_where_nobody_calls_it() -> None:
    """A failure that no other follows is remembered as long as another one could count with it."""

    receiver = failing([0])

    assert hours(30) == expires_at(receiver)
    assert expires_at(replace(receiver, stopped="gone")) > hours(30)
