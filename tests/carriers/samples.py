"""The carriers' documented messages, from `tests/carriers/<carrier>/messages`."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FIXTURES = Path(__file__).parent.parent / "fixtures"
_CARRIERS = Path(__file__).parent
ABSENT: Any = object()
"""as a value: take the field away"""
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@cache
def _read(carrier: str, name: str) -> Any:
    path = _CARRIERS / carrier / "messages" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def sample(carrier: str, name: str) -> dict[str, Any]:
    """Return a documented body."""
    body: dict[str, Any] = copy.deepcopy(_read(carrier, name)["body"])
    return body


def names(carrier: str, *beginnings: str) -> list[str]:
    """Return the names of a carrier's samples: of all, or of those that begin so."""
    found = (path.stem for path in (_CARRIERS / carrier / "messages").glob("*.json"))
    return sorted(name for name in found if name.startswith(beginnings or ""))


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
