"""`make trial NAME=leaks`: fill calls with seeded values and search every log for them.

Exits with 1 if a log has one (TRUST target 21).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench import trust
from infra.local.aws import local_aws
from tests.e2e.stage import staged
from trials.leaks.run import run


def main() -> int:
    """Return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with local_aws(folder / "aws") as aws, staged(aws, folder / "stage") as stage:
            (folder / "stage").mkdir(exist_ok=True)
            searched = run(stage, folder)
    print("".join(f"LEAK: {leak}\n" for leak in searched.leaks), end="")
    print("".join(f"NEVER SAID: {sentence}\n" for sentence in searched.unsaid), end="")
    figure = (
        f"{len(searched.leaks)} hits of {searched.seeds:,} spellings of seeded values in"
        f" {searched.lines:,} log lines and all executions ({searched.bytes_read:,} bytes)"
    )
    print(figure)
    if searched.leaks or searched.unsaid:
        return 1
    trust.note(21, "no personal data in logs", "make trial NAME=leaks", figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
