"""`make trial NAME=chaos`: kill workers in the middle of calls.

Exits with 1 if TRUST target 1, 2 or 6 fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from bench import trust
from infra.local.aws import local_aws
from tests.e2e.stage import staged
from trials.chaos import report
from trials.chaos.storm import Plan, Tally, run

WHOLE = 50
"""kills; what is less isn't noted"""


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--function-kills", type=int, default=4, help="of each function")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    parser.add_argument("--folder", type=Path, default=None, help="where logs stay")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    plan = Plan(
        seed=asked.seed,
        kills=asked.kills,
        calls=asked.calls,
        function_kills=asked.function_kills,
    )
    tally = _run(plan, asked.folder or Path(tempfile.mkdtemp(prefix="tapedeck-chaos-")))
    print(report.shown(tally))
    faults = report.broken(tally, is_whole=plan.kills >= WHOLE)
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    if plan.kills >= WHOLE and not faults:
        _note(tally)
    return 1 if faults else 0


def _run(plan: Plan, folder: Path) -> Tally:
    print(f"logs: {folder}", flush=True)
    with local_aws(folder / "aws") as aws, staged(aws, folder) as stage:
        print("calls and kills ...", flush=True)
        return run(stage, plan)


def _note(tally: Tally) -> None:
    kills, losses = sum(tally.moments.values()), report.losses_s(tally)
    run_of = f"{kills} kills, {len(tally.calls)} calls, puts of 120/700 ms"
    trust.note(
        1,
        "audio lost when a worker is SIGKILLed",
        "make trial NAME=chaos",
        f"{report.figure(tally)}, {len(losses)} times that a live call lost its worker; {run_of}",
    )
    sent_s = sum(report.sent_s(tally).values())
    trust.note(
        2,
        "what is durable is right",
        "make trial NAME=chaos",
        f"0 corrupt, reordered or duplicated samples of {sent_s:.0f} s, one last callback each",
    )
    holes = sum(each.holes for each in tally.verdicts.values())
    trust.note(
        6, "gaps are told", "make trial NAME=chaos", f"{holes} holes of 40 ms and more, all ± 20 ms"
    )


if __name__ == "__main__":
    sys.exit(main())
