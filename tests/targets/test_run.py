"""`make run`, the first command that anybody types."""

from __future__ import annotations

import fcntl

import pytest

from infra.local.parts import PARTS
from infra.paths import ROOT
from tests.targets.running import make

pytestmark = pytest.mark.e2e


def is_running() -> bool:
    """Whether somebody looks at a `make run` in this folder."""
    folder = ROOT / ".run"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_every_recording_equals_what_was_sent() -> None:
    """A local AWS, the real stack, three live calls; it ends by itself after the table."""
    if is_running():
        pytest.skip("a `make run` is up in this folder: end it to have this tested")

    done = make("run", environment={"ONCE": "1"}, within_s=300)

    assert 0 == done.code, done.said
    assert len(PARTS) == sum("yes, every sample" in line for line in done.printed)
