"""`make`, as somebody types it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.paths import ROOT

_OF_A_MAKE_AROUND = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "MAKEFILES"}
_ASKED = re.compile(r"(\w+) \?=")
"""variables of the Makefile that the environment may set"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of it."""

    code: int
    printed: list[str]
    """lines of the standard output"""
    complaints: str
    """the standard error"""

    @property
    def said(self) -> str:
        """What it wrote on both."""
        return "\n".join([*self.printed, self.complaints])


def make(
    target: str,
    *arguments: str,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    within_s: float = 120,
) -> Done:
    """Run a target to its end; `environment` comes on top of one that has nothing of AWS."""
    if folder == ROOT:
        _verify_setup()
    done = subprocess.run(
        ["make", target, *arguments],
        cwd=folder,
        env={**_neutral(), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=within_s,
    )
    printed = done.stdout.splitlines()
    return Done(code=done.returncode, printed=printed, complaints=done.stderr)


@cache
def _verify_setup() -> None:
    """No test installs anything here."""
    stamps = (".venv", ".venv-ministack", ".venv-checkov", "node_modules")
    command = ["make", "--dry-run", *(f"{name}/.stamp" for name in stamps)]
    environment = _neutral()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert "Setting up" not in done.stdout, "requirements changed since the last make setup"


def _neutral() -> dict[str, str]:
    """What the surroundings ask of make, or of AWS, isn't meant for what runs here."""
    asked = set(_ASKED.findall((ROOT / "Makefile").read_text(encoding="utf-8"))) - {"PYTHON"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in asked | _OF_A_MAKE_AROUND
        and (not name.startswith("AWS_") or name == "AWS_CA_BUNDLE")
    }
