"""Which tests outside a carrier's own folder play its calls: `played.toml` lists them.

Where the carrier was removed they are skipped, and everything else runs. The list is what is left
to move to test dialects; a trial (`make trial NAME=carriers`) finds what is missing in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from chalicelib.carriers import registry

LIST = Path(__file__).with_name("played.toml")


def played() -> Mapping[str, frozenset[str]]:
    """Return the tests that play each carrier, as `file::function`."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return {
        carrier: frozenset(f"{file}::{name}" for file, names in files.items() for name in names)
        for carrier, files in listed.items()
    }


def skip_what_is_played(items: Iterable[pytest.Item]) -> None:
    """Skip the tests that play a carrier without a row."""
    gone = {carrier: tests for carrier, tests in played().items() if carrier not in registry.ROWS}
    for item in items if gone else ():
        named = item.nodeid.partition("[")[0]
        for carrier, tests in gone.items():
            if named in tests:
                item.add_marker(pytest.mark.skip(reason=f"plays calls of {carrier}"))
