"""The table of carriers in the documents, drawn from the registry; as a program, writes it."""

from __future__ import annotations

import re

from chalicelib.carriers import registry
from chalicelib.carriers.registry import Row
from infra.paths import ROOT

PAGE = ROOT / "docs/reference/carriers.md"
BLOCK = re.compile(r"(?<=<!-- carriers -->\n)(.*)(?=<!-- /carriers -->)", re.DOTALL)
HEAD = ("Carrier", "Streams", "Webhooks", "REST API", "Documents", "Recordings from")


def table() -> str:
    """Return the table in Markdown."""
    lines = [HEAD, ["---"] * len(HEAD), *(_cells(row) for row in registry.ROWS.values())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Row) -> list[str]:
    return [
        row.title,
        ", ".join(_path(dialect, names) for dialect, names in row.streams.items()),
        _proofs(row),
        _asked(row),
        ", ".join(f"`{name}`" for name in row.documents),
        ", ".join(f"`{host}`" for host in registry.carrier(row.name).recordings.hosts),
    ]


def _path(dialect: str, parameters: tuple[str, ...]) -> str:
    return "`/" + "/".join([dialect, "{token}", *(f"{{{name}}}" for name in parameters)]) + "`"


def _proofs(row: Row) -> str:
    signed = ["signed"] if registry.carrier(row.name).signature else []
    return ", ".join([*signed, *(["Basic"] if row.asks_basic else [])]) or "token only"


def _asked(row: Row) -> str:
    api = registry.carrier(row.name).call_api
    if api is None:
        return "none"
    return "a call's state, a stream again" if api.tap else "a call's state"


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(lambda _: table(), PAGE.read_text()))
