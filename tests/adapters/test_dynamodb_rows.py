"""Rows are read as they were written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.adapters.dynamodb_rows import from_row, sortable, to_row
from chalicelib.port_values import InboundEvent
from tests.samples import an_inbound_event


@pytest.mark.parametrize(
    "at",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_any_time_of_the_calendar_can_be_read_again(at: datetime) -> None:
    """A carrier may say any, and a row that can't be read is an error for whoever asks."""

    event = replace(an_inbound_event(), occurred_at=at)

    assert event == from_row(to_row(event), InboundEvent)


def test_times_sort_as_their_texts_do() -> None:
    """In UTC, with microseconds."""

    assert "2026-03-01T11:00:00.000001Z" == sortable(
        datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    )
    assert "0999-12-31T00:00:00.000000Z" == sortable(datetime(999, 12, 31, tzinfo=UTC))
