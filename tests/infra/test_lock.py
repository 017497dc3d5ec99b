"""Two processes that package at once wait for each other."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from infra.lock import locked


def test_nobody_else_gets_a_lock_that_is_held(tmp_path: Path) -> None:
    """Another open file can't lock the path meanwhile, as another process couldn't."""
    path = tmp_path / "build" / "lock"

    with locked(path), path.open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    """What fails under the lock doesn't keep it."""
    path = tmp_path / "lock"
    with pytest.raises(ValueError, match="in the midst"), locked(path):
        raise ValueError("in the midst")

    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
