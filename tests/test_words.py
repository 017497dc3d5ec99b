"""Retired names: the code says the field's own words (GLOSSARY.md)."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

CODE = Path(__file__).parents[1] / "chalicelib"
MODULES = sorted(CODE.rglob("*.py"))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RETIRED_MODULES = _words(
    """announcements audience call_media commanded departure ear endings event_stream grace hearing
    heir heirs hub inquire inquiries kept_media late_work length lookout manners memory minutes
    naming orders passage passing patience process properties protection receiver relay relay_door
    relay_link relay_wire relayed_stream request rounds rtp_hearing schedule segment_numbers shown
    turn wanted watch writer"""
)
"""each is a module of another name today"""

RETIRED_CLASSES = _words(
    """Audience CallMedia Cut Ear Elsewhere Endings Guest Hearing Heir Hub Joined Joining Listener
    Lookout Manners Minutes Orders Passage Passing Patience Receiver Relay Sink Turn Verdict Wanted
    Watch _Sealed"""
)

RETIRED_FUNCTIONS = _words(
    """ail ails blame bury heed inherit mend mended obey spoken suffers until_done"""
)


def _named(kinds: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, str]]:
    """Yield each definition's name and its place."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                place = f"{path.relative_to(CODE)}:{getattr(node, 'lineno', 0)}"
                yield getattr(node, "name", ""), place


def test_no_module_has_a_retired_name() -> None:
    """Modules and folders are named by the words of the glossary."""
    found = {path.stem if path.stem != "__init__" else path.parent.name for path in MODULES}
    assert found & RETIRED_MODULES == set()


@pytest.mark.parametrize(
    ("kinds", "retired"),
    [
        (ast.ClassDef, RETIRED_CLASSES),
        ((ast.FunctionDef, ast.AsyncFunctionDef), RETIRED_FUNCTIONS),
    ],
    ids=["classes", "functions"],
)
def test_nothing_is_defined_by_a_retired_name(
    kinds: type[ast.AST] | tuple[type[ast.AST], ...], retired: frozenset[str]
) -> None:
    """Neither a class nor a function has a name that was given up, private ones too."""
    assert [row for row in _named(kinds) if row[0] in retired] == []


def test_a_public_class_name_has_one_meaning() -> None:
    """No two modules define public classes of the same name."""
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []
