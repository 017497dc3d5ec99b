"""One-line breakages of the code, and the tests that notice each: the rows of `*.toml` here
and of each carrier."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """A change that loses something without an error."""

    name: str
    file: str
    """relative to the project"""
    original: str
    """occurs once in the file"""
    broken: str
    """what replaces it"""
    noticed_by: tuple[str, ...]
    """the pytest ids of tests that all fail then; with the parameters, where a test has some"""

    def apply_to(self, text: str) -> str:
        """Return the file's text with the breakage. Raises ValueError where it doesn't fit."""
        count = text.count(self.original)
        if count != 1:
            raise ValueError(f"{self.name}: its original text occurs {count} times in {self.file}")
        return text.replace(self.original, self.broken)


CARRIERS = FOLDER.parent / "carriers"
"""a carrier's own breakages are in `<carrier>/breakages.toml` there"""


def _files(folder: Path) -> list[Path]:
    of_carriers = CARRIERS.glob("*/breakages.toml") if folder == FOLDER else ()
    return sorted([*folder.glob("*.toml"), *of_carriers])


def read_table(folder: Path = FOLDER) -> list[Breakage]:
    """Return all rows. Raises TypeError for a row with other keys, or one that no test notices."""
    tables = [tomllib.loads(file.read_text()) for file in _files(folder)]
    return [_breakage(row) for table in tables for row in table["breakage"]]


def select(table: Iterable[Breakage], names: Iterable[str]) -> list[Breakage]:
    """Return the rows of these names, or all where none is named. Raises ValueError."""
    known = {row.name: row for row in table}
    wanted = list(names) or list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"no breakage is called {', '.join(unknown)}")
    return [known[name] for name in wanted]


def _breakage(row: dict[str, Any]) -> Breakage:
    read = Breakage(**{key: tuple(v) if isinstance(v, list) else v for key, v in row.items()})
    if not (read.name and read.noticed_by):
        raise TypeError(f"a breakage has a name and names the tests that notice it: {row}")
    return read
