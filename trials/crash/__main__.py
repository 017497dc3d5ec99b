"""`make trial NAME=crash`: play a call's life with a fault at every port call.

Exits with 1 if TRUST target 10 fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice

from bench import trust
from trials.crash.life import Fault
from trials.crash.lives import Tally, deaths_in_pairs, live, single_faults, undisturbed

_AT_ONCE = 100
"""lives that a process takes with it"""


def main() -> int:
    """Run them all; return the exit code."""
    singles = Tally()
    for refuses_first in (False, True):
        calls = undisturbed(refuses_first=refuses_first).calls
        one = _lived(single_faults(calls), refuses_first=refuses_first)
        receiver = "says no at first" if refuses_first else "says yes"
        print(f"A receiver that {receiver}: {calls} port calls; {_shown(one)}", flush=True)
        singles += one
    calls = undisturbed(refuses_first=True).calls
    pairs = _lived(deaths_in_pairs(calls), refuses_first=True)
    print(f"Two deaths: {_shown(pairs)}")
    all_ = singles + pairs
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in all_.faults[:50]), end="")
    if not all_.faults:
        trust.note(10, "outbox", "make trial NAME=crash", _figure(singles, pairs, calls))
    return 1 if all_.faults else 0


def _lived(disturbances: Iterator[tuple[Fault, ...]], *, refuses_first: bool) -> Tally:
    """Live them on all cores."""
    some = iter(partial(_some, disturbances), [])
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        tallies = processes.map(partial(live, refuses_first=refuses_first), some)
        return sum(tallies, Tally())


def _some(disturbances: Iterator[tuple[Fault, ...]]) -> list[tuple[Fault, ...]]:
    return list(islice(disturbances, _AT_ONCE))


def _shown(tally: Tally) -> str:
    return (
        f"{tally.lives:,} lives, {tally.owed:,} callbacks owed, {tally.attempts:,} attempts, "
        f"{len(tally.faults)} promises broken"
    )


def _figure(singles: Tally, pairs: Tally, calls: int) -> str:
    return (
        f"{singles.lives:,} lives of a call with a death, a failure, an outage or second "
        f"executions at each of {calls} port calls, {pairs.lives:,} with two deaths: of "
        f"{singles.owed + pairs.owed:,} callbacks 0 lost, 0 invented, each under one id"
    )


if __name__ == "__main__":
    sys.exit(main())
