"""Applies breakages in a copy of the project, one after the other, and runs the tests that each
names."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trials.breakages.table import Breakage

TIMEOUT_S = 300
"""of one breakage: a test that hangs because of it would hang the gate, so it notices nothing"""
ALL_TIMEOUT_S = 1800
"""of all named tests together"""

_INSTALLED = shutil.ignore_patterns(".*", "node_modules", "__pycache__")
_LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+::.+?)(?: - (.*))?$")
_LOST = re.compile(r"^ERROR: not found: (\S+::.+)$")
NOT_FOUND = "NOT FOUND"
"""in the place of pytest's word, which runs nothing then"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a test."""

    word: str
    """pytest's: PASSED, FAILED …"""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a breakage."""

    breakage: Breakage
    outcomes: Mapping[str, Outcome]

    @property
    def blind(self) -> list[str]:
        """Return the named tests that didn't fail, each with what it did instead."""
        return [
            f"{test}: {found.word if found else 'no outcome'}"
            for test in self.breakage.noticed_by
            if (found := self.outcomes.get(test)) is None or found.word != "FAILED"
        ]

    @property
    def reason(self) -> str:
        """Return how the first named test failed."""
        found = self.outcomes.get(self.breakage.noticed_by[0])
        return found.reason if found else ""


def run_tests(
    project: Path, tests: Sequence[str], timeout_s: float = TIMEOUT_S
) -> dict[str, Outcome]:
    """Run tests of a project by id; return what became of each. Raises TimeoutExpired."""
    pytest = [sys.executable, "-m", "pytest", "--quiet", "--no-header", "--tb=line", "-rA"]
    done = subprocess.run(
        [*pytest, "-p", "no:cacheprovider", "-p", "no:rerunfailures", *tests],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "COLUMNS": "240"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    found = [match for line in done.stdout.splitlines() if (match := _LINE.match(line))]
    lost = [match for line in done.stderr.splitlines() if (match := _LOST.match(line))]
    return {
        **{match[1].removeprefix(f"{project}/"): Outcome(word=NOT_FOUND) for match in lost},
        **{match[2]: Outcome(word=match[1], reason=match[3] or "") for match in found},
    }


@contextmanager
def applied(breakage: Breakage, project: Path) -> Iterator[None]:
    """Break a project's file until the block ends. Raises ValueError where it doesn't fit."""
    path = project / breakage.file
    whole = path.read_text()
    try:
        _write(path, breakage.apply_to(whole))
        yield
    finally:
        _write(path, whole)


def baseline(table: Sequence[Breakage], project: Path) -> list[str]:
    """Run all named tests without a breakage; return those that didn't pass, or aren't there."""
    tests = sorted({test for row in table for test in row.noticed_by})
    found = run_tests(project, tests, ALL_TIMEOUT_S)
    words = {test: found[test].word if test in found else "no outcome" for test in tests}
    lost = [f"{test}: {word}" for test, word in words.items() if word == NOT_FOUND]
    return lost or [f"{test}: {word}" for test, word in words.items() if word != "PASSED"]


def attempt(breakage: Breakage, project: Path) -> Tried:
    """Run the tests that a breakage names, with it applied."""
    with applied(breakage, project):
        try:
            outcomes = run_tests(project, breakage.noticed_by)
        except subprocess.TimeoutExpired:
            outcomes = {}
    return Tried(breakage=breakage, outcomes=outcomes)


def copy_project(root: Path, folder: Path) -> Path:
    """Copy what the tests need; return the copy's root."""
    return shutil.copytree(root, folder / "project", ignore=_INSTALLED)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    # Python takes bytecode for current by the source's size and its second.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
