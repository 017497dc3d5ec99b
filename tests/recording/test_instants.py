"""Datetimes and microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib.recording.instants import EPOCH, instant, microseconds


def test_microseconds_lead_to_their_instant_and_back() -> None:
    """The clock of capture counts from 1970, in UTC, without loss."""
    at = datetime(2026, 7, 14, 12, 0, 0, 123_456, tzinfo=UTC)

    assert (1_784_030_400_123_456, at) == (microseconds(at), instant(microseconds(at)))
    assert EPOCH == instant(0)
