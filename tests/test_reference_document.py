"""docs/reference: error codes, metrics and options are those that the code has, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from chalicelib.capture.timeline import Reason as GapReason
from chalicelib.ports.values import Figure, SendFault
from chalicelib.recording import cuts
from chalicelib.recording.delivery_schedule import GivenUpReason as GivenUp
from chalicelib.sink.metrics import UNITS
from infra import alarms
from tests.documents import ROOT

REFERENCE = ROOT / "docs" / "reference"
TREES = [ast.parse(path.read_text()) for path in sorted((ROOT / "chalicelib").rglob("*.py"))]
CUTS = {value for name, value in vars(cuts).items() if name.isupper() and isinstance(value, str)}
NEVER_A_CODE = {
    "http_503",
    "messages_refused",
    "error",
    "message",
    "reason",
    "quality",
    "degraded",
    "callback_failed",
}


def raised() -> set[str]:
    """Return each code that an exception is given: by its class, where it is raised, or by a
    function that raises with the code that it is called with."""
    nodes = [node for tree in TREES for node in ast.walk(tree)]
    found = {text for node in nodes for value in _codes_of(node) for text in _texts(value)}
    raising = {
        node.name: names.index(name)
        for node in nodes
        if isinstance(node, ast.FunctionDef)
        for names in [[one.arg for one in node.args.args if one.arg not in ("self", "cls")]]
        for part in ast.walk(node)
        for value in _codes_of(part)
        for name in [getattr(value, "id", "")]
        if name in names
    }
    for node in nodes:
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = node.args[raising.get(called, 99) :][:1]
            found |= {text for value in given for text in _texts(value)}
    return {text for text in found if re.fullmatch(r"[a-z][a-z0-9_]*", text)}


def strings() -> set[str]:
    """Return every text of one word that the code has."""
    nodes = (node for tree in TREES for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and _is_text(node)}


def listed(page: str) -> set[str]:
    """Return the words in backticks that look like a code."""
    found = re.findall(r"`([a-z]+(?:_[a-z0-9]+)*)`", (REFERENCE / page).read_text())
    return set(found) - NEVER_A_CODE


def first_cells(page: str, head: str) -> set[str]:
    """Return the words in backticks of a table's first column."""
    table = (REFERENCE / page).read_text().split(f"| {head} |", 1)[1].split("\n\n")[0]
    rows = table.splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


def test_every_code_that_is_raised_is_listed() -> None:
    """With the reasons of gaps, cut streams and callbacks that were given up."""

    others = {*map(str, [*SendFault, *GivenUp, *GapReason]), *CUTS}

    assert set() == (raised() | others) - listed("error-codes.md")


def test_every_listed_code_is_in_the_code() -> None:
    """Nobody waits for a code that can't come."""

    assert set() == listed("error-codes.md") - strings()


def test_every_cut_of_a_stream_is_explained() -> None:
    """With its close code, on the page of recordings."""

    assert set() == CUTS - listed("recordings.md")


def test_every_metric_is_listed() -> None:
    """Those of workers, of functions, and of the log's filter."""

    assert {*UNITS, *map(str, Figure), _disabled()} == first_cells(
        "alarms-and-metrics.md", "metric"
    )


def test_every_option_is_listed() -> None:
    """Each context value that a deployment reads, and each parameter that a stack has."""
    settings = (ROOT / "infra" / "settings.py").read_text()
    stacks = "".join((ROOT / "infra" / f"{name}_stack.py").read_text() for name in _STACKS)
    parameters = re.findall(r'(?:_parameter|CfnParameter)\(\s*(?:self,\s*)?"(\w+)"', stacks)

    assert set(re.findall(r'_(?:flag|text|count)\(node, "(\w+)"\)', settings)) == first_cells(
        "options.md", "name"
    )
    assert set(parameters) == first_cells("options.md", "parameter")


_STACKS = ("recorder", "generation")


def _disabled() -> str:
    (name,) = re.findall(r'metric_name="(Callbacks\w+)"', (ROOT / _path(alarms)).read_text())
    return str(name)


def _path(module: object) -> str:
    return f"{module.__name__.replace('.', '/')}.py"  # type: ignore[attr-defined]


def _is_text(node: ast.Constant) -> bool:
    return isinstance(node.value, str)


def _codes_of(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what a keyword `code`, or a class's attribute `code`, is given."""
    if isinstance(node, ast.keyword) and node.arg == "code":
        yield node.value
    if isinstance(node, ast.Assign) and [*map(ast.unparse, node.targets)] == ["code"]:
        yield node.value


def _texts(value: ast.expr) -> Iterator[str]:
    """Yield the texts of an expression: one, or those of both its branches."""
    branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    for branch in branches:
        if isinstance(branch, ast.Constant) and isinstance(branch.value, str):
            yield branch.value
