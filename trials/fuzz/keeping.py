"""Which inputs are worth keeping: those that lead a parser where no kept one leads it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from trials.fuzz.targets import TARGETS, Target

KEPT_MAX = 60
"""inputs of one parser"""
TRIED_MAX = 2000
"""of what a run found, the shortest"""

Step = tuple[str, int, int]


class Steps:
    """The steps from line to line that were seen while a parser ran."""

    def __init__(self) -> None:
        self.seen: set[Step] = set()
        self._lines: dict[FrameType, int] = {}

    def of(self, target: Target, given: bytes) -> set[Step]:
        """Return the steps of one input."""
        self.seen, self._lines = set(), {}
        sys.settrace(self._call)
        try:
            target(given)
        finally:
            sys.settrace(None)
        return self.seen

    def _call(self, frame: FrameType, _event: str, _argument: object) -> object:
        return self._line if "chalicelib" in frame.f_code.co_filename else None

    def _line(self, frame: FrameType, event: str, _argument: object) -> object:
        if event == "line":
            before = self._lines.get(frame, 0)
            self.seen.add((frame.f_code.co_filename, before, frame.f_lineno))
            self._lines[frame] = frame.f_lineno
        return self._line


def keep(name: str, kept: Path, found: Path) -> int:
    """Copy into `kept` what goes where nothing kept goes; return how many."""
    target, steps = TARGETS[name], Steps()
    known: set[Step] = set()
    old = [path.read_bytes() for path in kept.iterdir()]
    for given in old:
        known |= steps.of(target, given)
    room = KEPT_MAX - len(old)
    added = 0
    for given in _shortest(found.iterdir()):
        new = steps.of(target, given) - known if added < room else set()
        if new:
            known |= new
            (kept / hashlib.sha256(given).hexdigest()[:12]).write_bytes(given)
            added += 1
    return added


def _shortest(paths: Iterable[Path]) -> list[bytes]:
    return sorted((path.read_bytes() for path in paths), key=len)[:TRIED_MAX]
