"""`make trial NAME=pause`: search everywhere for what is said while a call's recordings are paused.

Exits with 1 if it is found (TRUST target 20).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench import trust
from infra.local.aws import local_aws
from tests.e2e.stage import staged
from trials.pause.run import TRACKS, run, said_in_pauses


def main() -> int:
    """Return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stage").mkdir()
        with local_aws(folder / "aws") as aws, staged(aws, folder / "stage") as stage:
            outcome = run(stage, folder)
    kept = [*outcome.in_the_pause, *outcome.after_the_calls]
    print("".join(f"KEPT: {name}\n" for name in kept), end="")
    if len(outcome.controls) <= len(TRACKS):
        print(f"What was said before the pauses was found in {outcome.controls} only.")
        return 1
    samples = 160 * len(said_in_pauses(outcome))
    figure = (
        f"0 of {samples:,} samples said in the pauses of {len(TRACKS)} calls ({', '.join(TRACKS)})"
        f" in {outcome.searched} objects, rows, logs and renditions, in the pause and after"
    )
    print(figure if not kept else f"{len(kept)} places hold what was said in a pause")
    if not kept:
        trust.note(20, "pause", "make trial NAME=pause", figure)
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
