"""The table is true: each breakage fits the code as it is, and its tests are there."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from infra.paths import ROOT
from trials.breakages.table import Breakage, read_table, select

TABLE = read_table()


@cache
def known_tests(file: str) -> frozenset[str]:
    """Return the ids of a file's tests, without parameters."""
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(f"{file}::{name}" for name in _tests(tree, ""))


def _tests(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _tests(child, f"{prefix}{child.name}::")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name


@pytest.mark.parametrize("breakage", TABLE, ids=lambda row: row.name)
def test_a_breakage_fits_and_is_code(breakage: Breakage) -> None:
    """Its original text occurs once in its file, and what replaces it can be compiled."""

    whole = (ROOT / breakage.file).read_text()

    broken = breakage.apply_to(whole)

    assert whole != broken
    compile(broken, breakage.file, "exec")


@pytest.mark.parametrize("breakage", TABLE, ids=lambda row: row.name)
def test_its_tests_are_there(breakage: Breakage) -> None:
    """Each id leads to a test of the gate that runs without the local AWS."""

    for test in breakage.noticed_by:
        assert test.partition("[")[0] in known_tests(test.partition("::")[0])
        assert not test.startswith("tests/e2e/")


def test_names_are_one_breakage_s_each() -> None:
    """A name is enough to run one."""

    assert {1} == set(Counter(row.name for row in TABLE).values())
    assert TABLE[:1] == select(TABLE, [TABLE[0].name])
    assert TABLE == select(TABLE, [])
    with pytest.raises(ValueError, match="no breakage is called odd, other"):
        select(TABLE, ["odd", TABLE[0].name, "other"])


def test_a_text_that_occurs_twice_fits_nowhere() -> None:
    """Nor does one that isn't there."""

    breakage = Breakage(name="b", file="f.py", original="x", broken="y", noticed_by=("t",))

    for text in ("xx", ""):
        with pytest.raises(ValueError, match=f"b: its original text occurs {len(text)} times"):
            breakage.apply_to(text)


def test_a_breakage_that_no_test_notices_is_no_row(tmp_path: Path) -> None:
    """Nor is one with a key that means nothing."""

    row = '[[breakage]]\nname = "b"\nfile = "f.py"\noriginal = "x"\nbroken = "y"\n'
    for rest in ("noticed_by = []", 'noticed_by = ["t"]\nnoted_by = "t"'):
        (tmp_path / "table.toml").write_text(row + rest)
        with pytest.raises(TypeError):
            read_table(tmp_path)
