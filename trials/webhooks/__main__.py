"""`make trial NAME=webhooks`: send carriers' webhooks in any order, doubled or lost.

Exits with 1 if TRUST target 5 or 11 fails.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from bench import trust
from tests.services.recovery import test_every_call_ends as ends
from trials.webhooks import permutations
from trials.webhooks.permutations import Order, faults, orders

WHOLE_ORDERS, WHOLE_LIVES = 10_000, 2_000
"""what is less isn't noted"""


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.webhooks", description=__doc__)
    parser.add_argument("--orders", type=int, default=WHOLE_ORDERS)
    parser.add_argument("--lives", type=int, default=WHOLE_LIVES)
    asked = parser.parse_args()
    in_any_order, at_last = _permute(asked.orders), _live(asked.lives)
    print(in_any_order, at_last, sep="\n")
    if asked.orders >= WHOLE_ORDERS:
        trust.note(
            11, "duplicate and out-of-order webhooks", "make trial NAME=webhooks", in_any_order
        )
    if asked.lives >= WHOLE_LIVES:
        trust.note(5, "every call reaches a terminal state", "make trial NAME=webhooks", at_last)
    return 0


def _permute(examples: int) -> str:
    run: list[Order] = []

    @_settings(examples)
    @given(order=orders())
    def neither_order_nor_repetition_shows(order: Order) -> None:
        run.append(order)
        found = faults(order)
        assert not found, found

    neither_order_nor_repetition_shows()
    return permutations.figure(run)


def _live(examples: int) -> str:
    ends.RUNS.clear()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis has no type for it
        ends.EveryCallEnds, settings=_settings(examples, stateful_step_count=25)
    )
    took = Counter(ends.RUNS)
    late = sum(count for minutes, count in took.items() if minutes > ends.PROMISED_MIN)
    in_time = [minutes for minutes in ends.RUNS if minutes <= ends.PROMISED_MIN]
    return (
        f"{len(ends.RUNS):,} lives of a call (workers, webhooks, functions and database fail as"
        f" drawn; at the end sockets stay open, or workers die): 100 % ended; {len(in_time):,}"
        f" within {max(in_time)} min of their end, {late} within {max(took)}: an execution was"
        " silent, and the next ones failed or the carrier told the end late"
    )


def _settings(examples: int, **more: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        **more,
    )


if __name__ == "__main__":
    sys.exit(main())
