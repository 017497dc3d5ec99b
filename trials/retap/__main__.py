"""`make trial NAME=retap`: kill workers whose calls are tapped: the carrier taps elsewhere.

Exits with 1 if the second half of TRUST target 3 fails.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench import trust
from infra.local.aws import local_aws
from tests.e2e.stage import staged
from trials.retap.death import PROMISED_S, Death, die, scene

WHOLE = 6
"""deaths; what is less isn't noted"""


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.retap", description=__doc__)
    parser.add_argument("--deaths", type=int, default=WHOLE)
    parser.add_argument("--calls", type=int, default=4, help="on each worker that dies")
    parser.add_argument("--folder", type=Path, default=None, help="where logs stay")
    asked = parser.parse_args()
    deaths = _run(asked.deaths, asked.calls, asked.folder or Path(tempfile.mkdtemp()))
    print(figure(deaths))
    faults = broken(deaths)
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    if len(deaths) >= WHOLE and not faults:
        trust.note(
            3, "re-tapped where the carrier's API allows", "make trial NAME=retap", figure(deaths)
        )
    return 1 if faults else 0


def _run(deaths: int, calls: int, folder: Path) -> list[Death]:
    print(f"logs: {folder}", flush=True)
    done = []
    with local_aws(folder / "aws") as aws, staged(aws, folder) as stage, scene(stage) as set_:
        for number in range(deaths):
            # At another moment of the second and of a lease's two.
            done.append(die(set_, number=number, calls=calls, talks_s=4.0 + 0.37 * number))
            print(f"death {number}: {_times(done[-1:])}", flush=True)
    return done


def broken(deaths: list[Death]) -> list[str]:
    """Return every broken promise."""
    faults = [fault for death in deaths for fault in death.faults]
    late = [second for death in deaths for second in death.stored_s if second > PROMISED_S]
    return faults + [f"stored {second:.1f} s after the death" for second in late]


def figure(deaths: list[Death]) -> str:
    """Return what the deaths came to."""
    taps = sum(len(death.stored_s) for death in deaths)
    holes = [hole for death in deaths for hole in death.hole_s]
    return (
        f"{_times(deaths)}; {len(deaths)} deaths, {taps} taps; each asked for once, each hole"
        f" ({min(holes):.1f} to {max(holes):.1f} s) told as `reconnect` in one recording; calls"
        " that ended with their worker aren't tapped"
    )


def _times(deaths: list[Death]) -> str:
    asked = [second for death in deaths for second in death.asked_s]
    stored = [second for death in deaths for second in death.stored_s]
    if not stored:
        return "nothing was tapped again"
    return (
        f"from SIGKILL to the carrier's command p50 {statistics.median(asked):.1f} s, max"
        f" {max(asked):.1f} s; to the first frame in S3 p50 {statistics.median(stored):.1f} s,"
        f" max {max(stored):.1f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
