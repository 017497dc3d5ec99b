"""The import rule is alive: it fails when it is broken on purpose."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from chalicelib.carriers.registry import ROWS
from infra.paths import ROOT

BREACHES = [
    pytest.param("errors.py", "import chalicelib.ports.aws", id="upwards"),
    pytest.param("services/__init__.py", "import chalicelib.adapters", id="across the wall"),
    pytest.param("recording/model.py", "import time", id="a clock below the line"),
    pytest.param("capture/container.py", "import boto3", id="AWS below the line"),
    pytest.param("ports/aws.py", "import infra.paths", id="infra"),
    *(
        pytest.param(
            f"carriers/{name}/carrier.py",
            f"import chalicelib.carriers.{other}.carrier",
            id=f"{name} knows {other}",
        )
        for name, other in permutations(ROWS, 2)
    ),
    *(
        pytest.param(
            f"carriers/{name}/carrier.py",
            "import chalicelib.carriers.registry",
            id=f"{name} knows the registry",
        )
        for name in ROWS
    ),
    pytest.param(
        "carriers/contract/carrier.py",
        "import chalicelib.carriers.registry",
        id="the contract knows the registry",
    ),
]


def lint(folder: Path) -> int:
    """The exit code of import-linter over a copy of the project."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        check=False,
    ).returncode


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's packages and its contracts, to break."""
    unwanted = shutil.ignore_patterns("__pycache__")
    for package in ("chalicelib", "infra"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_project_keeps_the_rule(copy: Path) -> None:
    """As it stands, every import points downwards."""

    assert 0 == lint(copy)


@pytest.mark.parametrize(("file", "breach"), BREACHES)
def test_a_breach_is_found(copy: Path, file: str, breach: str) -> None:
    """One forbidden import line is enough to fail."""
    broken = copy / "chalicelib" / file
    broken.write_text(f"{broken.read_text()}\n{breach}\n")

    assert 0 != lint(copy)
