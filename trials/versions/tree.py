"""The baseline: the commit whose processes may still run beside the working tree's, as files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.paths import ROOT

BASELINE_FILE = ROOT / "versions" / "baseline"
"""holds the commit's id; what becomes of it when a form changes: docs/decisions/0080"""


class NoHistory(Exception):
    """The baseline's files can't be had: an archive or a shallow clone lacks its commit."""


def baseline_commit() -> str:
    """Return the id of the commit that the working tree has to live beside."""
    return BASELINE_FILE.read_text().strip()


def baseline_tree(root: Path = ROOT) -> Path:
    """Return a folder with the baseline's files, taken once from the history of `root`.

    Raises NoHistory where git doesn't have the commit.
    """
    commit, trees = baseline_commit(), root / ".build" / "versions"
    tree = trees / commit
    if not tree.exists():
        trees.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=trees))
        try:
            _extract(commit, root, made)
            made.rename(tree)
        except OSError:
            if not tree.exists():  # else another process was faster, and its files are as good
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return tree


def must_have_history(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a missing history is a failure: in CI it is."""
    return environ.get("CI", "").lower() == "true"


def _extract(commit: str, root: Path, folder: Path) -> None:
    archive = folder.with_suffix(".tar")
    command = ["git", "archive", "--format=tar", f"--output={archive}", commit]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoHistory(f"git has no commit {commit}: {done.stderr.strip()}")
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
    except OSError as error:
        raise NoHistory(f"git can't be run: {error}") from error
    finally:
        archive.unlink(missing_ok=True)
