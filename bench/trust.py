"""`docs/explanation/trust.md`: the last figure measured for each promise, a row a command."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.ingest import cpu_name

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "trust.md"
BEGIN, END = "<!-- rows -->\n", "<!-- /rows -->\n"
HEAD = "| # | promise | shown by | figure | when, where |\n|---|---|---|---|---|\n"


def note(target: int, promise: str, command: str, figure: str) -> None:
    """Write what a command found, in place of what it found before."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    row = f"| {target} | {promise} | `{command}` | {figure} | {_when_and_where()} |\n"
    rows = {_key(line): line for line in table.removeprefix(HEAD).splitlines(keepends=True)}
    PAGE.write_text(before + BEGIN + HEAD + _sorted(rows | {_key(row): row}) + END + after)


def _key(row: str) -> tuple[int, str]:
    cells = [cell.strip() for cell in row.split("|")]
    return int(cells[1]), cells[3]


def _sorted(rows: Mapping[tuple[int, str], str]) -> str:
    return "".join(rows[key] for key in sorted(rows))


def _when_and_where() -> str:
    cores = f"{os.cpu_count()} × {cpu_name()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {cores}, Python {platform.python_version()}"


if __name__ == "__main__":
    note(int(sys.argv[1]), *sys.argv[2:5])
