"""How soon a pause is in effect: from the request until capture has stopped, and until its answer.

    python -m bench.live_commands [--rounds 100] [--deployed]

First a sink and the API's own functions in one process, with tables in memory that answer at once,
and with tables that take 5 ms, as a database nearby does. With `--deployed` also the real stack in
a local AWS: there a request passes an API gateway and a Lambda function, and what these take alone
is printed beside it. The target is 300 ms at p95 on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from random import Random

from bench.commanded_sink import Memory, live_call
from chalicelib.recording.intervals import Behavior

TARGET_MS = 300


def main() -> int:
    """Measure and print; return 1 where the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.live_commands")
    parser.add_argument("--rounds", type=int, default=100, help="pauses and resumes each")
    parser.add_argument("--deployed", action="store_true", help="in a local AWS as well")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}")
    print(f"{'':42}{'p50':>8}{'p95':>8}{'max':>8}  ms")
    missed = [_in_memory(takes_ms, given.rounds) for takes_ms in (0, 5)]
    if given.deployed:
        from bench.deployed_commands import measure  # noqa: PLC0415  # wants the local AWS

        missed.append(measure(given.rounds, show) > TARGET_MS)
    return int(any(missed))


def _in_memory(takes_ms: int, rounds: int) -> bool:
    """Measure without a network; tell whether the target is missed."""
    memory, random = Memory(takes_ms / 1000), Random(1)
    times: dict[str, list[float]] = {"pause": [], "resume": []}
    answers: dict[str, list[float]] = {"pause": [], "resume": []}
    with live_call(memory):
        commands = memory.commands()
        for _ in range(rounds):
            for name in ("pause", "resume"):
                time.sleep(random.uniform(0.05, 0.25))
                began_us = time.time_ns() // 1000
                if name == "pause":
                    commands.pause(memory.get_recording(), Behavior.SKIP)
                else:
                    commands.resume(memory.get_recording())
                last = memory.get_recording().intervals[-1]
                at_us = last.to_us if name == "pause" else last.from_us
                assert at_us is not None
                times[name].append((at_us - began_us) / 1000)
                answers[name].append((time.time_ns() // 1000 - began_us) / 1000)
    for name, in_effect in times.items():
        show(f"tables of {takes_ms} ms: {name} in effect", in_effect)
        show(f"tables of {takes_ms} ms: {name} answered", answers[name])
    return percentile(times["pause"] + times["resume"], 95) > TARGET_MS


def show(name: str, times_ms: Sequence[float]) -> None:
    """Print a line."""
    figures = (percentile(times_ms, 50), percentile(times_ms, 95), max(times_ms))
    print(f"{name:42}" + "".join(f"{figure:8.0f}" for figure in figures), flush=True)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent of all are at most."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


Show = Callable[[str, Sequence[float]], None]


if __name__ == "__main__":
    raise SystemExit(main())
