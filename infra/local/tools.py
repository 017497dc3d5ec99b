"""The programs that a local run needs, and what to say where one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.local.failures import RunFailed
from infra.paths import ROOT

NODE_MAJOR = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Programs, by path."""

    python: str
    """this environment's: packages the app and runs the sink"""
    ministack_python: str
    """MiniStack's own environment; MINISTACK_PYTHON names another one"""
    cdk: str
    """the CDK command line; CDK names another one"""


def find_tools() -> Tools:
    """Find every program, or raise RunFailed saying which one is missing and what brings it."""
    _verify_node()
    ministack_python = os.environ.get("MINISTACK_PYTHON") or str(
        ROOT / ".venv-ministack" / "bin" / "python"
    )
    cdk = os.environ.get("CDK") or str(ROOT / "node_modules" / ".bin" / "cdk")
    for path, what in ((ministack_python, "MiniStack's environment"), (cdk, "the CDK command")):
        if not Path(path).exists():
            raise RunFailed(f"{what} is not installed ({path} is missing): run `make setup`.")
    _verify_same_python(ministack_python)
    return Tools(python=sys.executable, ministack_python=ministack_python, cdk=cdk)


def _verify_node() -> None:
    node = shutil.which("node")
    if node is None:
        raise RunFailed(
            f"Node.js is missing: the CDK needs it, version {NODE_MAJOR} or newer "
            "(https://nodejs.org)."
        )
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").split(".")[0]
    if not major.isdigit() or int(major) < NODE_MAJOR:
        raise RunFailed(f"Node.js {NODE_MAJOR} or newer is needed, {node} is {said.strip()}.")


def _verify_same_python(other: str) -> None:
    """MiniStack runs the Lambda zip with its own Python, and compiled wheels fit only one."""
    question = "import sys; print(*sys.version_info[:2])"
    said = subprocess.run([other, "-c", question], capture_output=True, text=True, check=False)
    here = f"{sys.version_info[0]} {sys.version_info[1]}"
    if said.stdout.strip() != here:
        raise RunFailed(
            f"MiniStack's Python is {said.stdout.strip() or 'broken'}, this one is {here}: "
            "remove .venv-ministack and run `make setup`."
        )
