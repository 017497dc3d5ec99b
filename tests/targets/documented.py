"""Every target that a document, the Makefile or a message names: `make <target>`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.paths import ROOT

_PLACES = ("*.md", "docs/**/*.md", "bench/*.md")
_CODE = ("chalicelib", "infra", "bench", "simulator", "tests", "trials")
_SUFFIXES = (".py", ".json", ".toml")

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\s*(?:\w+=\S+ +)*make +([a-z][a-z-]*)", re.MULTILINE)
_QUOTED = re.compile(r"`(?:\w+=\S+ +)*make ([a-z][a-z-]*)[^`\n]*`")
_PLAIN = re.compile(r"\bmake ([a-z][a-z-]*)")
_HELP = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
_TRIAL = re.compile(r"\bmake trial NAME=([a-z_-]+)")


def documented() -> dict[str, str]:
    """Return each target with one of the files that name it."""
    named: dict[str, str] = {}
    for path, text in _texts():
        for target in _finder(path)(text):
            named.setdefault(target, str(path.relative_to(ROOT)))
    return named


def documented_trials() -> dict[str, str]:
    """Return each trial that `make trial` is shown with, and one of the files that show it."""
    named: dict[str, str] = {}
    for path, text in _texts():
        for name in _TRIAL.findall(text):
            named.setdefault(name.replace("-", "_"), str(path.relative_to(ROOT)))
    return named


def in_makefile(text: str) -> list[str]:
    """Return what `make help` lists, and what comments and messages name."""
    return [*_HELP.findall(text), *_PLAIN.findall(text)]


def in_document(text: str) -> list[str]:
    """Return the targets that a Markdown text names: as commands in its blocks, else in backticks.

    In prose "make" is a word like others.
    """
    blocks = "\n".join(_FENCED.findall(text))
    return [*_COMMAND.findall(blocks), *_QUOTED.findall(_FENCED.sub("", text))]


def in_code(text: str) -> list[str]:
    """Return the targets that docstrings, comments and messages name in backticks."""
    return _QUOTED.findall(text)


def _finder(path: Path) -> Callable[[str], list[str]]:
    if path.name == "Makefile":
        return in_makefile
    return in_document if path.suffix == ".md" else in_code


def _texts() -> Iterator[tuple[Path, str]]:
    paths = [ROOT / "Makefile", *(path for place in _PLACES for path in sorted(ROOT.glob(place)))]
    for folder in _CODE:
        paths += [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in _SUFFIXES]
    for path in paths:
        yield path, path.read_text(encoding="utf-8", errors="replace")
