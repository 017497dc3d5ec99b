"""`make trial NAME=fuzz`: fuzz every parser for `--seconds` (60).

Begins from the kept corpus; new inputs stay in `.build/fuzz/`. `--keep` copies those that reach new
code into the kept corpus. An input that crashed becomes a file of it, and a test beside the parser.
Exits with 1 after a crash or a hang.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import trust
from trials.fuzz.corpus import folder_of
from trials.fuzz.keeping import keep
from trials.fuzz.targets import TARGETS

FOUND = Path(".build/fuzz")
LENGTH_MAX = 4096
"""bytes of an input: parsers that read 64 KiB do nothing else with more"""
HANG_S = 5
MEMORY_MIB = 1024

_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How one target did."""

    target: str
    executions: int
    code: int
    crashes: tuple[Path, ...]

    def __str__(self) -> str:
        told = ", ".join(map(str, self.crashes)) or ("ok" if not self.code else f"exit {self.code}")
        return f"{self.target:<28}{self.executions:>12,}   {told}"


def main() -> int:
    """Fuzz the targets in turn; return the exit code."""
    given = _arguments()
    print(f"{'parser':<28}{'executions':>12}   in {given.seconds} s each")
    runs = []
    for target in given.targets or TARGETS:
        runs.append(fuzz(target, given.seconds))
        print(runs[-1], flush=True)
        if given.keep:
            keep(target, folder_of(target), FOUND / target)
    bad = [run for run in runs if run.code or run.crashes]
    figure = f"{sum(run.executions for run in runs):,} executions, {len(bad)} parsers with findings"
    print(figure)
    if bad:
        return 1
    if not given.targets:
        figure = f"{len(runs)} parsers, {given.seconds} s each: {figure}"
        trust.note(18, "parsers", "make trial NAME=fuzz", figure)
    return 0


def fuzz(target: str, seconds: int) -> Run:
    """Fuzz one target from what is kept and what was found before."""
    found, crashes = FOUND / target, FOUND / "crashes"
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    (folder_of(target)).mkdir(parents=True, exist_ok=True)
    log = FOUND / f"{target}.log"
    with log.open("w") as output:
        code = subprocess.run(
            _command(
                target,
                str(found),
                str(folder_of(target)),
                f"-max_total_time={seconds}",
                f"-max_len={LENGTH_MAX}",
                f"-timeout={HANG_S}",
                f"-rss_limit_mb={MEMORY_MIB}",
                f"-artifact_prefix={crashes}/{target}-",
                "-print_final_stats=1",
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            check=False,
        ).returncode
    counted = _EXECUTIONS.search(log.read_text(errors="replace"))
    return Run(
        target=target,
        executions=int(counted[1]) if counted else 0,
        code=code,
        crashes=tuple(sorted(crashes.glob(f"{target}-*"))),
    )


def _command(target: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "trials.fuzz.one", target, *arguments]


def _environment() -> dict[str, str]:
    """Return the environment with atheris on the path: it lives in a folder of its own."""
    path = os.pathsep.join([str(Path.cwd()), str(Path(".venv-fuzz").resolve())])
    return {**os.environ, "PYTHONPATH": path}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trials.fuzz")
    parser.add_argument("targets", nargs="*", metavar="PARSER", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
