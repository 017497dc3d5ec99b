"""The shorter form of `make trial NAME=leaks`: what is seeded is in no log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.stage import Stage
from trials.leaks.provocations import BAD_BODIES
from trials.leaks.run import run

pytestmark = pytest.mark.e2e


def test_logs_hold_no_number_token_or_payload(stage: Stage, tmp_path: Path) -> None:
    """Of three calls, of everything asked wrongly meanwhile, and of what other tests did before."""
    searched = run(stage, tmp_path, BAD_BODIES[2:5])

    assert [] == searched.leaks
    assert [] == searched.unsaid
