"""Ingest: what a frame costs the sink, all in, and how many calls a core and a megabyte hold.

    python -m bench.ingest [--calls 500] [--seconds 120] [--ramp 60] [--together]

One core sends and discards the stored objects, the other is the sink's. The floor is measured in
the same run, with the same sender: a loop that reads frames and discards them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

SENDER_CORE = 0
SINK_CORE = 1


class Child:
    """A process on one core that tells in JSON lines."""

    def __init__(self, core: int, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self, key: str) -> dict[str, Any]:
        """Return the next line that has a key."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if key in said:
                return said
            if said.get("level") in ("warning", "error", "critical"):
                print(line, end="", file=sys.stderr)
        raise RuntimeError(f"the process ended with {self.process.wait()}")

    def say(self) -> None:
        """Send an empty line."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def cpu_s(self) -> float:
        """Return user and system time of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_bytes(self) -> int:
        """Return its resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def end(self) -> int:
        """Terminate it; return its exit code."""
        self.process.terminate()
        return self.process.wait(60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A run's figures."""

    frame_us: float
    cpu_share: float
    resident_bytes: int
    idle_bytes: int
    sender_share: float
    sent: int
    late_ms: int
    blocked: int


def measure(server: Child, where: dict[str, Any], given: argparse.Namespace) -> Measured:
    """Send to a server; measure while all calls are live."""
    idle = server.resident_bytes()
    sender = Child(
        SENDER_CORE,
        "bench.ingest_sender",
        f"--port={where['port']}",
        f"--path={where['path']}",
        f"--calls={given.calls}",
        f"--ramp={given.ramp}",
        f"--seconds={given.seconds}",
        f"--together={int(given.together)}",
    )
    began = sender.hear("phase")
    cpu, clock, sending = server.cpu_s(), time.monotonic(), sender.cpu_s()
    over = sender.hear("phase")
    cpu, clock = server.cpu_s() - cpu, time.monotonic() - clock
    sending = sender.cpu_s() - sending
    resident = server.resident_bytes()
    sender.say()
    ended = sender.hear("phase")
    sender.process.wait(30)
    return Measured(
        frame_us=cpu / (over["sent"] - began["sent"]) * 1e6,
        cpu_share=cpu / clock,
        resident_bytes=resident,
        idle_bytes=idle,
        sender_share=sending / clock,
        sent=ended["sent"],
        late_ms=over["late_ms"],
        blocked=over["blocked"],
    )


def get(port: int, path: str) -> dict[str, Any]:
    """Return a small JSON document."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        said: dict[str, Any] = json.load(answer)
    return said


def sink_run(given: argparse.Namespace) -> None:
    """Measure the sink and print its figures."""
    store = Child(SENDER_CORE, "bench.ingest_store")
    store_port = store.hear("port")["port"]
    sink = Child(SINK_CORE, "bench.ingest_sink", f"http://127.0.0.1:{store_port}")
    where = sink.hear("path")
    measured = measure(sink, where, given)
    until = time.monotonic() + 60
    while get(where["port"], "/healthz")["calls"] and time.monotonic() < until:
        time.sleep(0.2)
    stored = get(store_port, "/")
    code = sink.end()
    store.end()
    show("sink", measured, given)
    print(
        f"  frames sent {measured.sent}, in segments {stored['messages']},"
        f" lost {measured.sent - stored['messages']}; exit code {code}"
    )
    print(
        f"  puts {stored['puts']}, of them segments {stored['segments']},"
        f" {stored['bytes'] / 1e6:.0f} MB"
    )


def floor_run(given: argparse.Namespace) -> None:
    """Measure the floor and print its figures."""
    floor = Child(SINK_CORE, "bench.ingest_floor")
    measured = measure(floor, floor.hear("path"), given)
    floor.end()
    show("floor (reads and discards)", measured, given)


def show(name: str, measured: Measured, given: argparse.Namespace) -> None:
    """Print what a run measured."""
    resident = measured.resident_bytes / given.calls / 1e6
    grown = (measured.resident_bytes - measured.idle_bytes) / given.calls / 1e6
    print(
        f"{name}: {measured.frame_us:.2f} µs CPU a frame,"
        f" {given.calls / measured.cpu_share:.0f} calls a core,"
        f" {measured.cpu_share:.0%} of a core busy"
    )
    print(
        f"  resident {measured.resident_bytes / 1e6:.0f} MB: {resident:.2f} MB a call"
        f" ({grown:.2f} MB above the idle process); sender {measured.sender_share:.0%} busy,"
        f" late by at most {measured.late_ms} ms, blocked {measured.blocked} times"
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--ramp", type=float, default=60)
    parser.add_argument("--together", action="store_true", help="both tracks speak at once")
    given = parser.parse_args()
    print(
        f"ingest: {given.calls} calls of two tracks, {given.seconds:.0f} s;"
        f" Python {platform.python_version()}, {os.cpu_count()} cores, {cpu_name()}"
    )
    sink_run(given)
    floor_run(given)


def cpu_name() -> str:
    """Return what the machine calls its processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
