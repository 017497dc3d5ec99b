"""Decides when callbacks to a status URL stop.

A receiver that answers 410 asked for it. One that fails for 120 hours is disabled: it accepted no
attempt in all that time, and the pauses between attempts were never longer than the schedule's own.
A URL that is seldom called is never disabled: each message has its ten attempts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.recording.delivery_schedule import GivenUpReason

FAILING_FOR = timedelta(hours=120)
"""Standard Webhooks' example and Svix: five days"""

LONGEST_PAUSE = timedelta(hours=30)
"""The schedule's longest wait is 24 h and a fifth."""

STOPPED_FOR = timedelta(days=30)
"""Then the next message tries it again; a redelivery does so at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealth:
    """The failures of a status URL of an account."""

    account: str
    url: str
    failing_since: datetime
    """the first failure since the last success"""
    failed_at: datetime
    """the latest failure"""
    stopped: str = ""
    """why callbacks stopped: gone, disabled; empty: they go on"""


def is_stopped(receiver: EndpointHealth | None, at: datetime) -> bool:
    """Whether callbacks to a receiver are stopped now."""
    return receiver is not None and bool(receiver.stopped) and at < expires_at(receiver)


def failed(receiver: EndpointHealth | None, account: str, url: str, at: datetime) -> EndpointHealth:
    """Return a receiver after a failure; `None` means a healthy one."""
    if receiver is None or at - receiver.failed_at > LONGEST_PAUSE:
        return EndpointHealth(account=account, url=url, failing_since=at, failed_at=at)
    is_over = at - receiver.failing_since >= FAILING_FOR
    return replace(receiver, failed_at=at, stopped=GivenUpReason.DISABLED if is_over else "")


def gone(receiver: EndpointHealth | None, account: str, url: str, at: datetime) -> EndpointHealth:
    """Return a receiver that asked for no further callbacks."""
    return replace(failed(receiver, account, url, at), stopped=GivenUpReason.GONE)


def expires_at(receiver: EndpointHealth) -> datetime:
    """Return when the entry of a receiver expires."""
    return receiver.failed_at + (STOPPED_FOR if receiver.stopped else LONGEST_PAUSE)
