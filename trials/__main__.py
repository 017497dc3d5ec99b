"""`make trial NAME=…`: check the name of a trial, or list all trials.

A trial is a package of this folder that runs as a program: `python -m trials.<name>`. Given the
name of one, this prints nothing and succeeds; otherwise it lists them all and fails.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from pathlib import Path

_HERE = Path(__file__).parent
_COMMAND = re.compile(r"^`make [^`]*`: ")


def trials() -> dict[str, str]:
    """Return what each trial does, by its name: the first paragraph of its program's docstring."""
    programs = sorted(_HERE.glob("*/__main__.py"))
    return {program.parent.name: _about(program) for program in programs}


def main(arguments: Sequence[str]) -> int | str:
    """Return 0 for the name of a trial, else a sentence and the list."""
    known = trials()
    name = " ".join(arguments)
    if name in known:
        return 0
    asked = f"There is no trial {name!r}" if name else "Say which trial: make trial NAME=…"
    width = max(map(len, known)) + 2
    return "\n".join([f"{asked}. There are:", *(f"  {k:<{width}}{v}" for k, v in known.items())])


def _about(program: Path) -> str:
    text = ast.get_docstring(ast.parse(program.read_text(encoding="utf-8"))) or "(no docstring)"
    return _COMMAND.sub("", " ".join(text.split("\n\n")[0].split()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
