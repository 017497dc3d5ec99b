"""Converts between datetimes and microseconds since 1970, which capture counts in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(at_us: int) -> datetime:
    """Return the datetime of a reading of the wall clock."""
    return EPOCH + timedelta(microseconds=at_us)


def microseconds(at: datetime) -> int:
    """Return a datetime as microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)
