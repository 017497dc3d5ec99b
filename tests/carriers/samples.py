"""The carriers' documented messages, from tests/fixtures."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FIXTURES = Path(__file__).parent.parent / "fixtures"
ABSENT: Any = object()
"""as a value: take the field away"""
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@cache
def _read(folder: str, name: str) -> Any:
    return json.loads((FIXTURES / folder / f"{name}.json").read_text(encoding="utf-8"))


def sample(folder: str, name: str) -> dict[str, Any]:
    """Return a documented body."""
    body: dict[str, Any] = copy.deepcopy(_read(folder, name)["body"])
    return body


def names(folder: str) -> list[str]:
    """Return the names of a folder's samples."""
    return sorted(path.stem for path in (FIXTURES / folder).glob("*.json"))


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a body with one field changed, or without it; `a.b.0.c` walks through lists too."""
    whole = copy.deepcopy(body)
    inner: Any = whole
    *outer, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in outer:
        inner = inner[step]
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return whole


def filled_in(value: Any) -> Any:
    """Return the boolean or number that a text is, by Python's own reading of JSON; else itself."""
    if not isinstance(value, str) or value != value.strip() or value.strip("-")[:1] in ("N", "I"):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, bool | int | float) else value


def encoded(body: Any) -> bytes:
    """Return a body as a carrier would post it."""
    return json.dumps(body).encode()
