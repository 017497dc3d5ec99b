"""The documents lead where they say, keep their form, and say how each command is tried."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import DOCUMENTS, ROOT, ShellBlock, name_of, shell_blocks, without_code

COLUMNS = 100
CELL = 100
README_LINES = 150
TRUST = "docs/explanation/trust.md"
"""its rows are written by the commands that show a promise"""

NOT_RUN = {
    "an AWS account": 6,
    "the deployment's secret": 1,
    "a recording that failed": 1,
}
"""why commands aren't run by a test, and how many blocks say so"""

RETIRED = (
    "heir",
    "heirs",
    "lookout",
    "manners",
    "patience",
    "obey",
    "obeys",
    "obeyed",
    "heed",
    "heeds",
    "heeded",
    "ail",
    "ails",
    "ailing",
    "suffers",
    "bury",
    "buries",
    "buried",
    "burial",
    "passage",
    "audience",
)
"""private words that nobody who knows the field can guess; the glossary has the field's own"""
PROSE_OF_CODE = ("chalicelib", "infra", "simulator", "bench", "trials")
"""folders whose docstrings and comments mustn't have them either"""

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_CODE_PROSE = re.compile(r'"""(.*?)"""|#\s([^\n]*)', re.DOTALL)
_PATH = re.compile(r"`((?:chalicelib|infra|tests|simulator|bench|docs|trials)/[\w./-]+)`")

_LOG_LINE = re.compile(
    r"\b[Ll]og(?: lines?|:)\s+`([^`]+)`|`((?:a|the|calls|events?)\s[\w' :]+\s[\w' :]+)`"
)
"""what is called a log line, and every sentence in backticks"""

of_each = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


def anchors(document: Path) -> set[str]:
    """Return the names of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@of_each
def test_links_lead_somewhere(document: Path) -> None:
    """To a file that is there, and to a heading of it."""

    lost = []
    for link in _LINK.findall(document.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = document if not name else document.parent / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)

    assert [] == lost


@of_each
def test_paths_are_there(document: Path) -> None:
    """A file that a document names exists; records of decisions and changes name those of a day."""
    if name_of(document).startswith(("docs/decisions/0", "CHANGELOG")):
        return

    named = _PATH.findall(document.read_text())

    assert [] == [path for path in named if not (ROOT / path).exists()]


def test_answers_of_the_map_are_there() -> None:
    """Each file that ARCHITECTURE.md sends a reader to exists."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.split("## Where to find what", 1)[1].split("\n## ", 1)[0]

    named = re.findall(r"`([a-z_/0-9]+\.py)`", table)

    assert 20 < len(named)
    assert [] == [path for path in named if not (ROOT / "chalicelib" / path).exists()]


def test_log_lines_are_written() -> None:
    """What an operator searches a log for is a text of the code."""
    texts = {text for path in (ROOT / "chalicelib").rglob("*.py") for text in _texts_of(path)}

    quoted = {
        (name_of(document), " ".join("".join(line).split()))
        for document in DOCUMENTS
        if not name_of(document).startswith(("docs/decisions/0", "CHANGELOG"))
        for line in _LOG_LINE.findall(document.read_text())
    }

    assert 10 < len(quoted)
    assert set() == {(name, line) for name, line in quoted if line not in texts}


@of_each
def test_lines_wrap(document: Path) -> None:
    """At 100 columns, but for a table's rows and what has no place to wrap."""

    lines = enumerate(document.read_text().splitlines(), 1)
    long = [(number, line) for number, line in lines if len(line) > COLUMNS]

    assert [] == [(number, line) for number, line in long if not _is_row(line) and _can_wrap(line)]


@of_each
def test_cells_are_phrases(document: Path) -> None:
    """A cell of a table isn't longer than a line; links count by their text."""
    if name_of(document) == TRUST:
        return

    rows = [line for line in document.read_text().splitlines() if _is_row(line)]
    cells = [cell.strip() for row in rows for cell in _shown(row).strip().strip("|").split(" | ")]

    assert [] == [cell for cell in cells if len(cell) > CELL]


def test_the_readme_is_short() -> None:
    """It is read whole."""

    assert README_LINES >= len((ROOT / "README.md").read_text().splitlines())


@pytest.mark.parametrize("block", shell_blocks(), ids=lambda at: f"{at.document}:{at.line}")
def test_commands_say_how_they_are_tried(block: ShellBlock) -> None:
    """By a test that is there, or not at all, for one of the known reasons."""

    assert block.reason in {"", *NOT_RUN}
    assert not block.run_by or (ROOT / block.run_by).exists()
    assert block.reason or block.run_by or "make " not in block.text


def test_reasons_are_counted() -> None:
    """A further command that no test runs is noticed."""

    assert NOT_RUN == Counter(block.reason for block in shell_blocks() if block.reason)


@of_each
def test_retired_words_are_gone(document: Path) -> None:
    """From all documents; code in backticks is quoted as it is."""

    assert [] == _retired(without_code(document.read_text()))


def test_retired_words_are_gone_from_the_code_s_prose() -> None:
    """From docstrings and comments of the rooms that are listed."""
    paths = [path for folder in PROSE_OF_CODE for path in sorted((ROOT / folder).rglob("*.py"))]

    prose = {name_of(path): _prose_of(path) for path in paths}

    assert {} == {name: _retired(text) for name, text in prose.items() if _retired(text)}


def test_every_decision_has_its_status_in_the_index() -> None:
    """The same as in the record."""
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    rows = dict(re.findall(r"^\| .*\]\((0[^)]+)\) \| (.+) \|$", index, re.MULTILINE))

    records = sorted((ROOT / "docs" / "decisions").glob("0*.md"))

    assert {record.name: _status(record) for record in records} == rows


def test_every_document_is_in_the_index() -> None:
    """Whoever opens docs/README.md can reach each page of it, decisions by their own index."""
    index = (ROOT / "docs" / "README.md").read_text()
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in DOCUMENTS if _is_page(path)]

    assert [] == [page for page in pages if f"({page})" not in index]


def _is_page(path: Path) -> bool:
    return (
        ROOT / "docs" in path.parents
        and not path.match("decisions/0*")
        and path.parent.name != "docs"
    )


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _can_wrap(line: str) -> bool:
    """Whether a line has a space before the limit that isn't its indentation."""
    return " " in re.sub(r"^\s*(?:[-*] |\d+\. |\$ )?", "", line)[: COLUMNS - 8]


def _shown(row: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", row)


def _status(record: Path) -> str:
    (status,) = re.findall(r"^\*\*Status:\*\* (.+)\.$", record.read_text(), re.MULTILINE)
    return str(status)


def _prose_of(path: Path) -> str:
    return "\n".join("".join(found) for found in _CODE_PROSE.findall(path.read_text()))


def _texts_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _retired(text: str) -> list[str]:
    return [word for word in RETIRED if re.search(rf"\b{word}\b", text, re.IGNORECASE)]
