"""The schedule of status callbacks, in numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recording.delivery_schedule import (
    MAX_ATTEMPTS,
    is_its_turn,
    is_superseded,
    retry_after_s,
    turn_wait_s,
    wait_s,
)
from chalicelib.recording.model import State
from chalicelib.recording.outbox import OutboxRow

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
FIRST = OutboxRow(
    recording_id="r",
    number=1,
    webhook_id="msg_r_1",
    state=State.RECORDING,
    url="https://example.com/",
    body="{}",
    created_at=NOON,
)
SECOND = replace(FIRST, number=2, webhook_id="msg_r_2", state=State.FINISHED)


def tried(row: OutboxRow) -> OutboxRow:
    return replace(row, attempts=1, first_ended_at=NOON)


def test_tries_ten_times_in_75_hours() -> None:
    """The waits are those promised; after the tenth attempt there is none."""

    waits = [wait_s(attempts, 0.5, 1.0) for attempts in range(1, 11)]

    assert [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, None] == waits
    assert timedelta(hours=75) < timedelta(seconds=sum(filter(None, waits))) < timedelta(hours=76)
    assert 10 == MAX_ATTEMPTS


@given(st.integers(1, 9), st.floats(0, 1), st.floats(0, 10))
def test_spreads_each_wait_by_a_fifth(attempts: int, jitter: float, scale: float) -> None:
    """A wait is within 20 % of its place in the schedule, times the scale."""

    middle = wait_s(attempts, 0.5, 1.0)
    wait = wait_s(attempts, jitter, scale)

    assert middle is not None
    assert wait is not None
    assert middle * 0.8 * scale <= wait * 1.000001
    assert wait <= middle * 1.2 * scale * 1.000001


RETRY_AFTERS = [
    ("", 0.0),
    ("0", 0.0),
    ("120", 120.0),
    ("86400", 86_400.0),
    ("86401", 86_400.0),
    ("999999999", 86_400.0),
    ("9999999999", 86_400.0),
    ("9" * 64, 86_400.0),
    ("-5", 0.0),
    ("1.5", 0.0),
    ("soon", 0.0),
    ("١٢", 0.0),
    ("Fri, 02 Jan 2026 12:02:00 GMT", 120.0),
    ("Fri, 02 Jan 2026 13:02:00 +0100", 0.0),
    ("Friday, 02-Jan-26 12:02:00 GMT", 120.0),
    ("Fri Jan  2 12:02:00 2026", 120.0),
    ("Fri, 02 Jan 2026 11:59:00 GMT", 0.0),
    ("Fri, 09 Jan 2026 12:00:00 GMT", 86_400.0),
    ("Fri, 02 Jan 2026 12:02:00 -0000", 0.0),
    ("Fri, 99 Jan 2026 12:02:00 GMT", 0.0),
]


@pytest.mark.parametrize(("header", "seconds"), RETRY_AFTERS)
def test_reads_retry_after(header: str, seconds: float) -> None:
    """Seconds and dates count, up to a day; nonsense is no wish."""

    assert seconds == retry_after_s(header, NOON)


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, \d+ Jan \d+ \d+:\d+:\d+ [+-]?\d{0,12}"))
def test_reads_any_retry_after(header: str) -> None:
    """Whatever a receiver writes there, it is from nothing to a day."""

    assert 0 <= retry_after_s(header, NOON) <= 86_400


@pytest.mark.parametrize(
    ("first", "its_turn"),
    [
        (FIRST, False),
        (tried(FIRST), True),
        (replace(FIRST, given_up="refused"), True),
        (replace(FIRST, delivered_at=NOON), True),
    ],
)
def test_waits_for_the_row_before(first: OutboxRow, its_turn: bool) -> None:
    """A row's first attempt comes after the end of the first attempt of the row before."""

    assert its_turn is is_its_turn(SECOND, [first, SECOND])


def test_waits_for_nobody_once_tried() -> None:
    """A retry waits for its time alone, and the first row waits for none."""

    assert is_its_turn(tried(SECOND), [FIRST, SECOND])
    assert is_its_turn(FIRST, [FIRST, SECOND])
    assert is_its_turn(SECOND, [SECOND])


def test_asks_more_rarely_the_longer_it_waits() -> None:
    """The first questions come each second, later ones after an eighth of the age, at most 60 s."""

    waits = [turn_wait_s(FIRST, NOON + timedelta(seconds=age)) for age in (-1, 0, 8, 80, 9_999)]

    assert [1.0, 1.0, 1.0, 10.0, 60.0] == waits


def test_drops_a_retry_that_would_bring_old_news() -> None:
    """Once a later state was delivered, a retry of an earlier one is superseded."""

    delivered = replace(SECOND, delivered_at=NOON)
    failed = tried(SECOND)

    assert is_superseded(tried(FIRST), [FIRST, delivered])
    assert not is_superseded(FIRST, [FIRST, delivered])
    assert not is_superseded(tried(FIRST), [FIRST, failed])
    assert not is_superseded(tried(SECOND), [replace(FIRST, delivered_at=NOON)])
