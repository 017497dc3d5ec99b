"""What the summary shows of tests that were tried again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.paths import ROOT
from tests.first_failures import TITLE

TESTS = """
import itertools
import pytest

count = itertools.count(1)
setups = itertools.count(1)

def test_passes_at_the_third_try():
    number = next(count)
    print(f"this is try {number}")
    assert number == 3, f"try {number} failed"

def test_never_passes():
    assert 0, "never"

@pytest.fixture
def made():
    number = next(setups)
    assert number > 1, f"setup {number} failed"

def test_of_what_is_made(made):
    pass

def test_passes():
    pass
"""


def summary(folder: Path, *options: str) -> str:
    """Return what pytest prints of these tests."""
    (folder / "test_tries.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.first_failures", "--color=no"]
    done = subprocess.run(
        [*command, *options, "test_tries.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("more", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_the_first_failure_is_shown(tmp_path: Path, more: list[str]) -> None:
    """With its whole traceback and output, of tests that pass in the end, too; once for each."""

    _, _, shown = summary(tmp_path, "--reruns", "2", *more).partition(TITLE)

    assert "test_tries.py::test_passes_at_the_third_try (call)" in shown
    assert 'assert number == 3, f"try {number} failed"' in shown
    assert "AssertionError: try 1 failed" in shown
    assert "this is try 1" in shown
    assert "try 2" not in shown
    assert 1 == shown.count("E       AssertionError: never")
    assert "test_tries.py::test_of_what_is_made (setup)" in shown
    assert "setup 1 failed" in shown
    assert "test_tries.py::test_passes (" not in shown


def test_what_failed_before_its_test_can_pass(tmp_path: Path) -> None:
    """A fixture that failed is made again."""

    assert "1 failed, 3 passed, 5 rerun" in summary(tmp_path, "--reruns", "2")


def test_where_nothing_was_tried_again_nothing_is_shown(tmp_path: Path) -> None:
    """A failure alone has its own place."""

    assert TITLE not in summary(tmp_path)
