"""Where the baseline's files come from, and what is said where they can't be had."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from trials.versions.tree import NoHistory, baseline_tree, must_have_history


def test_a_folder_without_history_has_no_baseline(tmp_path: Path) -> None:
    """As an archive of the project, unpacked: git's own words say so."""

    with pytest.raises(NoHistory, match=r"git has no commit [0-9a-f]{40}: "):
        baseline_tree(tmp_path)
    assert [] == list((tmp_path / ".build" / "versions").iterdir())


def test_a_history_without_its_commit_has_no_baseline(tmp_path: Path) -> None:
    """As a shallow clone."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)

    with pytest.raises(NoHistory, match="git has no commit"):
        baseline_tree(tmp_path)


@pytest.mark.parametrize(("environ", "must"), [({}, False), ({"CI": "true"}, True)])
def test_a_missing_history_is_a_failure_in_ci(environ: dict[str, str], must: bool) -> None:
    """Elsewhere the fixtures alone are read, and a line says so."""

    assert must == must_have_history(environ)
