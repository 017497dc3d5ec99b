"""From the wall clock to positions of the call clock."""

from __future__ import annotations

import pytest

from chalicelib.capture.timeline import Timeline


def timeline(*knots: tuple[int, int]) -> Timeline:
    """Return an empty timeline that begins at 1 s of the wall clock."""
    return Timeline(
        rate_hz=8000,
        origin_us=1_000_000,
        samples=0,
        tracks={},
        holes=(),
        largest_skew_us=0,
        reconnects=0,
        knots=knots,
    )


@pytest.mark.parametrize(
    ("wall_us", "position"),
    [(0, -8000), (1_000_000, 0), (1_500_000, 4000), (61_000_000, 480_100), (62_000_000, 488_100)],
)
def test_follows_the_carriers_clock(wall_us: int, position: int) -> None:
    """Between two knots, the earlier one counts; before the first, that one."""

    assert position == timeline((1_000_000, 0), (61_000_000, 480_100)).position_at(wall_us)


def test_without_knots_the_clocks_agree() -> None:
    """A timeline that knows no drift counts from its origin."""

    assert 8000 == timeline().position_at(2_000_000)
