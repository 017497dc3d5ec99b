"""Makes a copy of the project without one carrier: its folders, its row, and nothing else.

What is generated from the registry is generated again in the copy.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def readers(folder: Path) -> list[str]:
    """Return the tests that read the registry, but for this one's own."""
    found = (path for path in sorted((folder / "tests").rglob("test_*.py")) if _reads(path))
    return [str(path.relative_to(folder)) for path in found]


def _reads(path: Path) -> bool:
    source = path.read_text()
    is_reader = "carriers import registry" in source or "carriers.registry" in source
    return is_reader and path.name != "test_removal.py"


def _generate(copy: Copy) -> None:
    """Make again what is generated from the registry."""
    made = copy.python("-m", "tests.carriers.table")
    assert made.returncode == 0, made.stdout
    _drop_from_openapi(copy)


def _drop_from_openapi(copy: Copy) -> None:
    """Take out of the API's description what only the removed carrier has."""
    path = copy.folder / "chalicelib/api/openapi.json"
    gone, document = _names(ROOT) - _names(copy.folder), json.loads(path.read_text())
    document["paths"] = {
        route: operations for route, operations in document["paths"].items() if route not in gone
    }
    path.write_text(json.dumps(_narrowed(document, gone), indent=1))


def _names(folder: Path) -> set[str]:
    """Return everything that a project's registry names: carriers, dialects, documents, routes."""
    told = Copy(folder).python("-c", _NAMES)
    assert told.returncode == 0, told.stdout
    return set(json.loads(told.stdout))


def _narrowed(value: Any, gone: set[str]) -> Any:
    if isinstance(value, list):
        return [_narrowed(one, gone) for one in value]
    if not isinstance(value, dict):
        return value
    narrowed = {name: _narrowed(one, gone) for name, one in value.items()}
    if isinstance(narrowed.get("enum"), list):
        narrowed["enum"] = [one for one in narrowed["enum"] if one not in gone]
    return narrowed


_NAMES = """
import json
from chalicelib.carriers.registry import DIALECTS, ROWS
of_rows = [(*row.documents, row.first_route, row.first_basic_route) for row in ROWS.values()]
print(json.dumps([*ROWS, *DIALECTS, *(name for names in of_rows for name in names)]))
"""
