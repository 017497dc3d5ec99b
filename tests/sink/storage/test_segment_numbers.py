"""Which segments a worker tells that it stored."""

from __future__ import annotations

import pytest

from chalicelib.sink.storage.call_buffer import SegmentNumbers


@pytest.mark.parametrize(
    ("used", "told"),
    [
        ([], (0, 0)),
        ([0], (0, 1)),
        ([0, 1, 2], (0, 3)),
        ([3, 4], (3, 5)),
        ([0, 1, 3], None),
        ([0, 2, 3], None),
    ],
)
def test_tells_numbers_that_follow_each_other(
    used: list[int], told: tuple[int, int] | None
) -> None:
    """The first may be any: an earlier session of the call used those before. A jump after that
    leaves numbers between that are somebody else's."""

    numbers = SegmentNumbers()
    for number in used:
        numbers.note(number + 1)
    assert told == numbers.span
    assert (used[-1] + 1 if used else 0) == numbers.following
