"""`make trial NAME=carriers`: removes each carrier in turn, and runs all other tests without it.

ARGS names carriers; without it all are tried, some minutes each. Exit code 1 if a test fails
that isn't listed in `played.toml`, or if the list names a test that isn't there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chalicelib.carriers import registry
from infra.paths import ROOT
from tests.carriers.playing import played
from tests.carriers.removal import Copy, without

REST = ("-m", "not e2e and not paced", "-n", "2", "--tb=short")
LEFT_OUT = (
    "--ignore=tests/infra",  # the stacks are the same for all carriers, and slow to make
    "--ignore=tests/targets",  # they run make, in the project itself
    "--ignore=tests/carriers/test_removal.py",
    "--deselect=tests/test_documents.py::test_paths_are_there",  # the carrier's own page
)


def main(arguments: Sequence[str]) -> int:
    """Try the carriers; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.carriers", description=__doc__)
    parser.add_argument("carriers", nargs="*", help=", ".join(registry.ROWS))
    names = parser.parse_args(arguments).carriers or list(registry.ROWS)
    missing = _listed_but_missing()
    for test in missing:
        print(f"tests/carriers/played.toml names a test that isn't there: {test}")
    failed = [name for name in names if not _passes(name)]
    return 1 if missing or failed else 0


def _passes(name: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        done = without(name, Path(scratch) / name).tests(*REST, *LEFT_OUT)
    kept = done.stdout if done.returncode else done.stdout.splitlines()[-1]
    print(
        f"without {name}: {len(played()[name])} tests play it, and are skipped\n{kept}", flush=True
    )
    return done.returncode == 0


def _listed_but_missing() -> list[str]:
    collected = Copy(ROOT).tests("--collect-only", "-m", "").stdout.splitlines()
    there = {line.partition("[")[0] for line in collected}
    listed = {test for tests in played().values() for test in tests}
    return sorted(listed - there)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
