"""Makes a copy of the project without one carrier: its folders, its row, and nothing else.

What is generated from the registry is generated again in the copy.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.paths import ROOT

FOLDERS = ("chalicelib/carriers", "simulator/carriers", "tests/carriers")
REGISTRY = "chalicelib/carriers/registry.py"
SHARED = (".venv", ".venv-ministack", ".venv-checkov", "node_modules")
"""installs, which the copy uses where they are"""
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".build", ".run", ".venv*", ".*_cache", "__pycache__", "node_modules", ".coverage*"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the project in a folder of its own."""

    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program in it; never raises."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in it."""
        return self.run(sys.executable, *arguments)

    def tests(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pytest in it."""
        return self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


def without(carrier: str, folder: Path) -> Copy:
    """Copy the project into a folder that isn't there yet, and remove a carrier from it."""
    shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
    for shared in SHARED:
        if (ROOT / shared).exists():
            (folder / shared).symlink_to((ROOT / shared).resolve())
    for parent in FOLDERS:
        shutil.rmtree(folder / parent / carrier)
    registry = folder / REGISTRY
    registry.write_text(without_row(registry.read_text(), carrier))
    copy = Copy(folder)
    _generate(copy)
    return copy


def without_row(source: str, carrier: str) -> str:
    """Return the registry's source without a carrier's row."""
    (row,) = (node for node in ast.walk(ast.parse(source)) if _is_row_of(node, carrier))
    lines = source.splitlines(keepends=True)
    del lines[row.lineno - 1 : row.end_lineno]
    return "".join(lines)


def _is_row_of(node: ast.AST, carrier: str) -> bool:
    return isinstance(node, ast.Call) and any(
        one.arg == "name" and isinstance(one.value, ast.Constant) and one.value.value == carrier
        for one in node.keywords
    )


READERS = (
    "tests/carriers/test_registry.py",
    "tests/carriers/test_carrier_table.py",
    "tests/carriers/contract",
    "tests/api/test_about.py",
    "tests/api/test_documented_webhooks.py",
    "tests/api/test_lasting_urls.py",
    "tests/trials/fuzz/test_corpus.py",
    "tests/simulator/test_command.py",
    "tests/test_rooms.py",
)
"""the tests that read the registry, and are quick"""


def _generate(copy: Copy) -> None:
    """Make again what is generated from the registry."""
    for module in ("tests.carriers.table", "infra.openapi.document"):
        made = copy.python("-m", module)
        assert made.returncode == 0, made.stdout
