"""Each carrier can be removed: by deleting its folders and its row, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.carriers import registry
from infra.paths import ROOT
from tests.carriers.removal import READERS, Copy, without


@pytest.fixture(scope="module", params=registry.ROWS)
def copy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copy]:
    """The project without one carrier."""
    folder: Path = tmp_path_factory.mktemp("without") / request.param
    yield without(request.param, folder)
    shutil.rmtree(folder)


def test_the_imports_point_downwards(copy: Copy) -> None:
    """import-linter finds no contract that names what is gone."""
    linted = copy.run(str(ROOT / ".venv/bin/lint-imports"), "--no-logo", "--no-cache")

    assert 0 == linted.returncode, linted.stdout


def test_the_types_hold(copy: Copy) -> None:
    """mypy finds no import and no name of what is gone."""
    typed = copy.python("-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache"))

    assert 0 == typed.returncode, typed.stdout


def test_every_test_can_be_collected(copy: Copy) -> None:
    """No test of anything else imports the carrier, or makes its values at import."""
    collected = copy.tests("--collect-only")

    assert 0 == collected.returncode, collected.stdout[-4000:]


def test_what_reads_the_registry_passes(copy: Copy) -> None:
    """Routes, descriptions, documents, simulator and fuzzing follow from the rows that are left."""
    passed = copy.tests(*READERS)

    assert 0 == passed.returncode, passed.stdout[-4000:]
