"""The programs that a local run needs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from infra.local.failures import RunFailed
from infra.local.tools import find_tools


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing but what a test puts there, and a complete installation beside it."""
    shell = shutil.which("sh")
    assert shell is not None
    (tmp_path / "sh").symlink_to(shell)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MINISTACK_PYTHON", sys.executable)
    monkeypatch.setenv("CDK", sys.executable)
    return tmp_path


def say(path: Path, answer: str) -> None:
    """Put a program there that answers the same to everything."""
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)


def test_everything_found_is_no_question(programs: Path) -> None:
    """Node of the right age, both environments, the CDK."""
    say(programs / "node", "v22.1.0")

    assert sys.executable == find_tools().ministack_python


def test_no_node_is_one_sentence(programs: Path) -> None:
    """It says what is missing, what for, and where to get it."""

    with pytest.raises(
        RunFailed, match=r"^Node\.js is missing: the CDK needs it, version 20 .*\)\.$"
    ):
        find_tools()


def test_an_old_node_is_one_sentence(programs: Path) -> None:
    """It says which one was found."""
    say(programs / "node", "v18.19.0")

    with pytest.raises(RunFailed, match=r"^Node\.js 20 or newer is needed, .* is v18\.19\.0\.$"):
        find_tools()


def test_a_missing_environment_says_what_makes_it(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make setup` is the answer to both."""
    say(programs / "node", "v20.0.0")
    monkeypatch.setenv("MINISTACK_PYTHON", str(programs / "nothing"))

    with pytest.raises(
        RunFailed, match=r"MiniStack's environment is not installed .* `make setup`"
    ):
        find_tools()


def test_another_python_in_ministack_is_told(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled wheels of the Lambda zip would not load there."""
    say(programs / "node", "v20.0.0")
    say(programs / "python", "3 9")
    monkeypatch.setenv("MINISTACK_PYTHON", str(programs / "python"))

    with pytest.raises(RunFailed, match="MiniStack's Python is 3 9, this one is 3 "):
        find_tools()
