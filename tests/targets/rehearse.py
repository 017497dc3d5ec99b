"""In place of the interpreter that a target runs: imports each program, and doesn't run it.

    make trial NAME=chaos PY="python tests/targets/rehearse.py"

Prints what would have run, without `-m`. A program of ours that can't be imported fails, another
one that isn't installed too.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("bench", "chalicelib", "infra", "simulator", "tests", "trials")


def main(arguments: list[str]) -> int | str:
    """Return the exit code, or what is wrong."""
    option, name, *rest = arguments
    spec = find_spec(name)
    if option != "-m" or spec is None:
        return f"this can't be run: {arguments}"
    if name.split(".")[0] in OURS:
        importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)
    sys.stdout.write(f"{' '.join([name, *rest])}\n")
    return 0


if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    sys.exit(main(sys.argv[1:]))
