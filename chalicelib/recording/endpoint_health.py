"""Who a status URL leads to, and when no more is sent there.

One that answers 410 has said so itself. One that fails for 120 hours is disabled: of every attempt
in all that time none was taken, and between two of them there was never a longer pause than the
schedule's own. A URL that is seldom called is never disabled: each message has its ten attempts.
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
    """A status URL of an account that doesn't take what it is sent."""

    account: str
    url: str
    failing_since: datetime
    """the first of the failures that nothing taken came between"""
    failed_at: datetime
    """the latest of them"""
    stopped: str = ""
    """why nothing is sent any more: gone, disabled; empty: it is tried"""


def is_stopped(receiver: EndpointHealth | None, at: datetime) -> bool:
    """Tell whether nothing is sent to a receiver now."""
    return receiver is not None and bool(receiver.stopped) and at < expires_at(receiver)


def failed(receiver: EndpointHealth | None, account: str, url: str, at: datetime) -> EndpointHealth:
    """Return a receiver after a failure; None: it was well before."""
    if receiver is None or at - receiver.failed_at > LONGEST_PAUSE:
        return EndpointHealth(account=account, url=url, failing_since=at, failed_at=at)
    is_over = at - receiver.failing_since >= FAILING_FOR
    return replace(receiver, failed_at=at, stopped=GivenUpReason.DISABLED if is_over else "")


def gone(receiver: EndpointHealth | None, account: str, url: str, at: datetime) -> EndpointHealth:
    """Return a receiver that said that it wants nothing any more."""
    return replace(failed(receiver, account, url, at), stopped=GivenUpReason.GONE)


def expires_at(receiver: EndpointHealth) -> datetime:
    """Return when nothing needs to be known of a receiver any more."""
    return receiver.failed_at + (STOPPED_FOR if receiver.stopped else LONGEST_PAUSE)
