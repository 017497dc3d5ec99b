"""What a page of a listing covers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.adapters.dynamodb.listing import read_cursor, stretch, write_cursor
from chalicelib.errors import InvalidRequest
from tests.samples import T0, later


def test_nothing_is_later_than_now() -> None:
    """An `until` that lies ahead asks for no month more than none does."""

    ahead = datetime.max.replace(tzinfo=UTC)

    assert stretch(None, None, "", lambda: T0) == stretch(None, ahead, "", lambda: T0)
    assert stretch(None, None, "", lambda: T0) == stretch(None, later(1), "", lambda: T0)
    assert stretch(None, T0, "", lambda: T0) == stretch(None, T0, "", lambda: later(1))


def test_a_cursor_has_no_more_bytes_than_a_key() -> None:
    """DynamoDB fails for what is longer: who made it up is told."""

    longest, longer = (f"2026-03-01T12:00:00.000000Z#{'x' * size}" for size in (900, 901))

    assert longest == read_cursor(write_cursor(longest))
    with pytest.raises(InvalidRequest, match="cursor"):
        read_cursor(write_cursor(longer))


@pytest.mark.parametrize("year", [1, 99, 999])
def test_an_early_year_sorts_before_a_late_one(year: int) -> None:
    """Its text has four digits, too."""

    covered = stretch(T0.replace(year=year), T0.replace(year=year), "", lambda: T0)

    assert f"{year:04d}-03-01T12:00:00.000000Z" == covered.since == covered.before
