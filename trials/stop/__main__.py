"""`make trial NAME=stop`: send SIGTERM to a worker that records 250 calls.

Exits with 1 if TRUST target 4 fails.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from random import SystemRandom

from bench import trust
from trials.stop.run import Plan, run

WHOLE = 250
"""calls; what is less isn't noted"""


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.stop", description=__doc__)
    parser.add_argument("--calls", type=int, default=WHOLE)
    parser.add_argument(
        "--seconds", type=float, default=45.0, help="all calls live, before SIGTERM"
    )
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    stop = asyncio.run(run(Plan(calls=asked.calls, seconds=asked.seconds, seed=asked.seed)))
    print(stop)
    faults = stop.faults
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    if asked.calls >= WHOLE and not faults:
        trust.note(4, "a planned stop loses nothing", "make trial NAME=stop", stop.figure)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
