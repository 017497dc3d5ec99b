"""The table of carriers in the documents is drawn from the registry."""

from __future__ import annotations

from tests.carriers.table import BLOCK, PAGE, table


def test_the_page_has_every_carrier() -> None:
    """Each carrier of the registry is a row; `python -m tests.carriers.table` writes them."""

    assert [table()] == BLOCK.findall(PAGE.read_text())
