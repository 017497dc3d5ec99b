"""Fuzz one target with atheris: `python -m trials.fuzz.one TARGET [libFuzzer's arguments]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["chalicelib", "yaml"]):
    import yaml  # noqa: F401  # it is imported late otherwise, and so not instrumented

    from trials.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    target = TARGETS[sys.argv[1]]

    def run(given: bytes) -> None:
        target(given)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
