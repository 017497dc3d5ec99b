"""Reads the documents: their paths, lines, and shell blocks with what says how each is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench/README.md"])

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>(?:not run: |run by )[^\n]*) -->\n)?"
    r"^(?P<indent> *)```(?:sh|bash|shell|console)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_NOT_RUN, _RUN_BY = "not run: ", "run by "


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellBlock:
    """Commands of a document, as a reader pastes them."""

    document: str
    line: int
    text: str
    reason: str
    """why no test runs them; "" where one does"""
    run_by: str
    """the test that runs them; "" is tests/e2e/test_document_commands.py"""


def name_of(document: Path) -> str:
    """Return a document's path inside the repository."""
    return document.relative_to(ROOT).as_posix()


def shell_blocks() -> list[ShellBlock]:
    """Return the shell blocks of all documents, in order."""
    return [block for document in DOCUMENTS for block in _blocks_of(document)]


def without_code(text: str) -> str:
    """Return a document's prose: without its fenced blocks, code in backticks and comments."""
    plain = re.sub(r"`[^`]*`", "", _FENCED.sub("", text))
    return re.sub(r"<!--.*?-->", "", plain, flags=re.DOTALL)


def _blocks_of(document: Path) -> Iterator[ShellBlock]:
    text = document.read_text()
    for found in _BLOCK.finditer(text):
        mark, indent = found["mark"] or "", found["indent"]
        yield ShellBlock(
            document=name_of(document),
            line=text.count("\n", 0, found.start("text")),
            text=re.sub(f"^{indent}", "", found["text"], flags=re.MULTILINE),
            reason=mark.removeprefix(_NOT_RUN) if mark.startswith(_NOT_RUN) else "",
            run_by=mark.removeprefix(_RUN_BY) if mark.startswith(_RUN_BY) else "",
        )
