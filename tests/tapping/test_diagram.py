"""The diagram of a tap in ARCHITECTURE.md is drawn from the lifecycle table."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from chalicelib.tapping.lifecycle import TRANSITIONS, is_finished
from chalicelib.tapping.model import TapState

_PAGE = Path(__file__).parents[2] / "ARCHITECTURE.md"
_BEGIN, _END = "<!-- tap lifecycle -->\n", "<!-- /tap lifecycle -->"


def _draw() -> str:
    """Return the table as a mermaid diagram: an arrow for each pair of states."""
    moves = sorted(
        (str(state or "[*]"), str(to), str(cause))
        for (state, cause), (to, _) in TRANSITIONS.items()
    )
    arrows = [
        f"    {before} --> {after}: {', '.join(cause for _, _, cause in causes)}"
        for (before, after), causes in groupby(moves, key=lambda move: move[:2])
    ]
    ends = [f"    {state} --> [*]" for state in TapState if is_finished(state)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```", ""])


def test_the_page_shows_the_table() -> None:
    """What the page draws is what the code allows: on a difference, paste the expected text."""
    page = _PAGE.read_text(encoding="utf-8")

    assert _draw() == page.split(_BEGIN)[1].split(_END)[0]
