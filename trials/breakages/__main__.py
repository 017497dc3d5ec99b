"""`make trial NAME=breakages`: break one line of the code at a time: its tests must fail.

Works in a copy of the project. Exits with 1 if a test that should notice a breakage doesn't.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.paths import ROOT
from trials.breakages.table import Breakage, read_table, select
from trials.breakages.trial import Tried, attempt, baseline, copy_project


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Try the breakages of a project's table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.breakages", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a breakage; none: all of them")
    names = parser.parse_args(arguments).names
    try:
        table = select(read_table(root / "trials" / "breakages"), names)
    except ValueError as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="breakages-") as folder:
        return _try_all(table, copy_project(root, Path(folder)))


def _try_all(table: Sequence[Breakage], project: Path) -> int:
    if unsound := baseline(table, project):
        print("These tests don't pass without a breakage:", *unsound, sep="\n  ")
        return 1
    living = [row.name for row in table if not _is_noticed(attempt(row, project))]
    print(f"{len(table) - len(living)} of {len(table)} breakages were noticed")
    if living:
        print("ALIVE:", *living, sep="\n  ")
    return 1 if living else 0


def _is_noticed(tried: Tried) -> bool:
    """Print a breakage's row; return whether all tests that it names failed."""
    print(f"{'ALIVE' if tried.blind else 'noticed':<8} {tried.breakage.name}")
    for test in tried.breakage.noticed_by:
        print(f"         {test}")
    print(f"         {tried.reason}" if tried.reason else "", end="\n" if tried.reason else "")
    for blind in tried.blind:
        print(f"         NOT NOTICED BY {blind}")
    sys.stdout.flush()
    return not tried.blind


if __name__ == "__main__":
    sys.exit(main())
