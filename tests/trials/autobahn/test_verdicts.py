"""What fails a run of Autobahn|Testsuite."""

from __future__ import annotations

from dataclasses import replace

from trials.autobahn.verdicts import Acceptance, Verdict, acceptances, complaints, counts

ACCEPTED = {
    "2": Acceptance(verdicts=frozenset({"FAILED"}), close_code=1009, reason="too big"),
}
GOOD = Verdict(case="1", behavior="OK", close="OK", close_code=1000)
BIG = Verdict(case="2", behavior="FAILED", close="FAILED", close_code=1009)


def test_accepts_what_ends_as_the_list_says() -> None:
    """A case that ends OK, or in the accepted way, is no complaint."""

    assert [] == complaints([GOOD, BIG], ACCEPTED)


def test_complains_of_what_is_not_on_the_list() -> None:
    """Another case, another code and a wrong code of a close are complaints."""

    other = Verdict(case="3", behavior="NON-STRICT", close="OK", close_code=1002)
    code = Verdict(case="2", behavior="FAILED", close="FAILED", close_code=1002)
    close = Verdict(case="1", behavior="OK", close="WRONG CODE", close_code=1000)

    assert [
        "1: OK, close WRONG CODE with 1000",
        "2: FAILED, close FAILED with 1002",
        "3: NON-STRICT, close OK with 1002",
    ] == complaints([close, code, other], ACCEPTED)


def test_complains_of_an_acceptance_that_nothing_needs() -> None:
    """The list shrinks when the socket gets better."""

    assert ["2: accepted, but OK or not run"] == complaints([GOOD], ACCEPTED)


def test_accepts_what_is_better_by_chance() -> None:
    """Where reads decide, a case may end OK, and no worse than the list says."""

    chance = {"2": replace(ACCEPTED["2"], depends_on_reads=True)}

    assert [] == complaints([GOOD, BIG], chance)
    assert [] == complaints([GOOD], chance)


def test_counts_by_verdict() -> None:
    """The figure that is printed."""

    assert "2 OK, 1 FAILED" == counts([GOOD, GOOD, BIG])


def test_every_acceptance_has_a_reason() -> None:
    """No case is accepted without a word."""

    assert all(acceptance.reason for acceptance in acceptances().values())
