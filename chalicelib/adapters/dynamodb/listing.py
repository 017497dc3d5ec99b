"""Listings by account, newest first: a month's partition after the other, resumed by a cursor."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.adapters.dynamodb.row_codec import Row, sortable
from chalicelib.adapters.dynamodb.table import Table, Where
from chalicelib.errors import InvalidRequest

FIRST_MONTH = "2026-01"
"""Nothing was recorded before."""

_BY_CALL = ("by_call", "gsi1")
_BY_ACCOUNT = ("by_account", "gsi2")
"""an index and the prefix of its keys"""

_PLACE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z#[ -~]{1,900}")
"""a sort key of by_account or by_call; DynamoDB takes 1,024 bytes, a call's key has 500 at most"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The range of a page: the sort keys from `since` on that come before `before`."""

    since: str
    before: str


def stretch(
    since: datetime | None, until: datetime | None, cursor: str, now: Callable[[], datetime]
) -> Stretch:
    """Return what a page covers: from `since`, before `until` and now, and after the cursor.

    Raises InvalidRequest for a cursor that no page gave.
    """
    # A row of this very moment sorts after its bare time: "~" comes after "#". Nothing is later,
    # and each month from here to `until` would be a query.
    before = sortable(now()) + "~"
    if until:
        before = min(before, sortable(until))
    if cursor:
        before = min(before, read_cursor(cursor))
    return Stretch(since=sortable(since) if since else FIRST_MONTH, before=before)


def by_month(table: Table, prefix: str, covered: Stretch, limit: int) -> Iterator[Row]:
    """Yield the keys of at most `limit` rows of an account; `{prefix}#{month}` is a partition."""
    left = limit
    for month in _months(covered):
        for keys in _newest(table, _BY_ACCOUNT, f"{prefix}#{month}", covered, left):
            left -= 1
            yield keys
        if left <= 0:
            return


def by_call(table: Table, partition: str, covered: Stretch, limit: int) -> Iterator[Row]:
    """Yield the keys of at most `limit` rows that name a call."""
    yield from _newest(table, _BY_CALL, partition, covered, limit)


def write_cursor(place: str) -> str:
    """Return the cursor of the page that comes after a row; `place` is its sort key."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Return a cursor's sort key. Raises InvalidRequest for one that no page gave."""
    try:
        place = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        place = ""
    if _PLACE.fullmatch(place) is None or write_cursor(place) != cursor:
        raise InvalidRequest("cursor: not one that a page gave", code="invalid_cursor")
    return place


def _newest(
    table: Table, index: tuple[str, str], partition: str, covered: Stretch, limit: int
) -> Iterator[Row]:
    name, prefix = index
    where = Where(
        text=f"#{prefix}pk = :pk AND #{prefix}sk < :before",
        values={"pk": partition, "before": covered.before},
    )
    for keys in table.query_index(name, where, limit=limit, newest_first=True):
        if keys[f"{prefix}sk"] < covered.since:
            return
        yield keys


def _months(covered: Stretch) -> Iterator[str]:
    at = covered.before[:7]
    while at >= max(covered.since[:7], FIRST_MONTH):
        yield at
        year, number = int(at[:4]), int(at[5:])
        at = f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"
