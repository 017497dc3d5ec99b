"""What a storm's figures say."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.capture.events import Encoding
from trials.chaos.caller import KINDS, Call
from trials.chaos.functions import FUNCTIONS
from trials.chaos.kills import Trap
from trials.chaos.report import broken, figure, percentile, unshown
from trials.chaos.storm import Plan, Tally
from trials.chaos.verdict import Verdict


def tally(losses_s: list[float], put_s: float) -> Tally:
    """Return what a storm found that did all it should, and in which these losses were all."""
    calls = [
        Call(call_id=f"c-{number}", kind=kind, seconds=1, encoding=Encoding.PCMU)
        for number, kind in enumerate(KINDS)
    ]
    verdicts = {call.call_id: Verdict(sent=8000) for call in calls}
    verdicts["c-0"].losses_s = {str(n): lost for n, lost in enumerate(losses_s)}
    return Tally(
        plan=Plan(seed=1, kills=len(Trap), calls=len(KINDS), function_kills=1),
        calls=calls,
        verdicts=verdicts,
        moments=Counter(list(Trap)),
        function_kills=Counter(FUNCTIONS),
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


def test_a_run_that_left_something_out_shows_nothing() -> None:
    """A moment in which nobody was killed, a function that lived, a dialect that never spoke."""

    found = tally([0.5], 0.12)
    del found.moments[Trap.ROW], found.function_kills["Publish"]
    found.verdicts = {call.call_id: Verdict() for call in found.calls if call.kind.dialect != "rtp"}

    assert [
        "no kill while segment stored, row not written",
        "no kill of Publish",
        "nothing sent by bandwidth",
        "nothing sent by signalwire-tap",
        "nothing sent by rtp",
        "5 kills, not 6",
    ] == unshown(found)
    assert set(unshown(found)) <= set(broken(found, is_whole=True))
    assert [] == broken(found, is_whole=False)


def test_a_recording_that_never_ended() -> None:
    """Whatever else is right."""

    found = tally([0.5], 0.12)
    found.left = ["c-1 (rtp): recording"]

    assert ["c-1 (rtp): recording"] == broken(found, is_whole=False)


def test_a_busy_machine_is_named() -> None:
    """It fails still: nothing was shown."""

    found = broken(tally([3.5], 2.0), is_whole=False)

    assert "this machine was too busy to tell: puts took longer than they should" == found[-1]
