"""A folder with the Makefile in which everything seems to be installed, and is a stub."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from infra.paths import ROOT

REQUIREMENTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "infra/sink/requirements.txt",
    "infra/local/requirements.txt",
    "tests/infra/checks/requirements.txt",
    "trials/autobahn/requirements.txt",
    "trials/fuzz/requirements.txt",
    "trials/api_fuzz/requirements.txt",
    "package.json",
    "package-lock.json",
)
INSTALLED = (
    ".venv",
    ".venv-ministack",
    ".venv-checkov",
    ".venv-autobahn",
    ".venv-fuzz",
    ".venv-api-fuzz",
    ".venv-audit",
    "node_modules",
)
_PROGRAMS = (".venv/bin/lint-imports", ".venv-audit/bin/pip-audit", "node_modules/.bin/cdk")


def bare(folder: Path) -> Path:
    """Fill a folder with the Makefile and old files of requirements; nothing is installed."""
    shutil.copy(ROOT / "Makefile", folder)
    for name in REQUIREMENTS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (0, 0))
    return folder


def installed(folder: Path) -> Path:
    """Fill it with stubs of what is installed, too: they print their names and arguments."""
    bare(folder)
    for name in INSTALLED:
        (folder / name).mkdir()
        (folder / name / ".stamp").touch()
    for name in _PROGRAMS:
        program(folder / name, 'echo "$(basename "$0")" "$@"')
    return folder


def program(path: Path, script: str) -> None:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
