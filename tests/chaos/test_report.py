"""What a storm's figures say."""

from __future__ import annotations

import pytest

from tests.chaos.report import broken, figure, percentile
from tests.chaos.storm import Plan, Tally
from tests.chaos.verdict import Verdict


def tally(losses_s: list[float], put_s: float) -> Tally:
    """Return what a storm found in which these losses were all."""
    return Tally(
        plan=Plan(seed=1, kills=len(losses_s), calls=1, function_kills=0),
        verdicts={"c-1": Verdict(losses_s={str(n): lost for n, lost in enumerate(losses_s)})},
        put_s=[put_s],
    )


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2.0), (0.99, 4.0), (1.0, 4.0), (0.0, 1.0)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    """By nearest rank."""

    assert expected == percentile([1.0, 2.0, 3.0, 4.0], share)


def test_a_run_within_its_limits_breaks_nothing() -> None:
    """p50 1.0 s, p99 2.0 s, at most 3.0 s."""

    assert [] == broken(tally([0.5, 1.0, 2.0], 0.12), is_whole=True)
    assert "p50 1.00, p95 2.00, p99 2.00, max 2.00 s" == figure(tally([0.5, 1.0, 2.0], 0.12))


def test_a_loss_that_is_too_large() -> None:
    """A short run is asked for its maximum only."""

    assert 3 == len(broken(tally([1.5, 3.5], 0.12), is_whole=True))
    assert 1 == len(broken(tally([1.5, 3.5], 0.12), is_whole=False))
    assert [] == broken(tally([1.5, 2.5], 0.12), is_whole=False)


def test_a_busy_machine_is_named() -> None:
    """It fails still: nothing was shown."""

    found = broken(tally([3.5], 2.0), is_whole=False)

    assert "this machine was too busy to tell: puts took longer than they should" == found[-1]
