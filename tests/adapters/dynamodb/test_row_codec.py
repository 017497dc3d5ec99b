"""Rows are read as they were written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.adapters.dynamodb.row_codec import from_row, marshal, sortable, to_row, unmarshal
from chalicelib.ports.values import InboundEvent
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


@pytest.mark.parametrize("least", [5e-324, 1e-200, 1e-131])
def test_a_number_that_is_too_small_to_store_stays_more_than_none(least: float) -> None:
    """DynamoDB takes none below 1e-130, and a `max_length` of 0 would be no limit."""

    assert {"seconds": {"N": "1e-130"}} == marshal({"seconds": least})


@pytest.mark.parametrize("number", [0, 0.0, 1e-130, 0.5, -3, 2**53])
def test_every_other_number_is_stored_as_it_is(number: float) -> None:
    """Also what counts down, and 0."""

    assert {"number": number} == unmarshal(marshal({"number": number}))
