"""Finalization's cost: `python -m bench.finalization`; its promise: `make finalization`.

Each run is a process of its own, with the SDK loaded as in the Lambda function; its media lies in a
folder. What the kernel says of the process and of ffmpeg is printed: CPU seconds, peak memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from threading import Event, Thread
from time import perf_counter
from typing import cast

from bench import trust
from bench.captured_call import (
    FolderMediaStore,
    FolderRenditionStore,
    OneRow,
    write_call,
)
from chalicelib.adapters.encoder import FileEncoder
from chalicelib.ports.rows import Calls, Recordings
from chalicelib.recording.manifest import parse_manifest
from chalicelib.recording.model import Format, RecordOptions
from chalicelib.services.finalization.assemble import assemble

_CASES = [(1, True, Format.WAV), (1, True, Format.MP3), (1, True, Format.MP4)]
_CASES += [(1, False, Format.WAV), (1, False, Format.MP3), (1, False, Format.MP4)]
_CASES += [(4, True, Format.WAV), (4, True, Format.MP3), (4, True, Format.MP4)]
_LONG_CASES = [(12, True, format_) for format_ in Format]
_LIMIT_MB = 256
_LIMIT_CPU_S = {Format.WAV: 120, Format.MP3: 120, Format.MP4: 400}
"""of one core, for twelve hours"""
_REPEATED_MINUTES, _REPEATS = 10, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one finalization took."""

    seconds: float
    """on the clock"""
    python_cpu_s: float
    python_mb: int
    ffmpeg_cpu_s: float
    ffmpeg_mb: int
    size: int
    """bytes of the rendition"""
    samples: int
    sha256: str
    """of the rendition, hex"""

    @property
    def cpu_s(self) -> float:
        """Return what it takes of one core."""
        return self.python_cpu_s + self.ffmpeg_cpu_s


class ChildMemory(Thread):
    """Looks at the children's peak five times a second.

    What the kernel says of them in the end counts what their parent had when it forked.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak_kb = 0
        self._over = Event()
        self._children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")

    def run(self) -> None:
        """Look until told to stop."""
        while not self._over.wait(0.2):
            for child in self._children.read_text().split():
                self.peak_kb = max(self.peak_kb, _peak_kb(child))

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


def _peak_kb(process: str) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) if peaks else 0


def measure(folder: str, stereo: bool, format_: Format, made: str = "") -> Cost:
    """Finalize the call in a folder, in this process; what is made stays in `made`."""
    import boto3  # noqa: PLC0415  what the Lambda function has in memory too

    boto3.client("s3", region_name="eu-west-1")
    row = OneRow(RecordOptions(stereo=stereo, format=format_))
    with tempfile.TemporaryDirectory() as passing:
        renditions = FolderRenditionStore(Path(made or passing))
        child_memory = ChildMemory()
        child_memory.start()
        begun = perf_counter()
        assemble(
            "r-bench",
            1,
            recordings=cast(Recordings, row),
            calls=cast(Calls, row),
            media=FolderMediaStore(Path(folder)),
            renditions=renditions,
            encoder=FileEncoder(),
            now=lambda: datetime.now(UTC),
        )
        seconds = perf_counter() - begun
        child_memory.stop()
        manifest = parse_manifest(renditions.manifest())
    own, child = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    return Cost(
        seconds=seconds,
        python_cpu_s=own.ru_utime + own.ru_stime,
        python_mb=own.ru_maxrss // 1024,
        ffmpeg_cpu_s=child.ru_utime + child.ru_stime,
        ffmpeg_mb=child_memory.peak_kb // 1024,
        size=manifest.renditions[0].size,
        samples=manifest.samples,
        sha256=manifest.renditions[0].sha256,
    )


def main(arguments: list[str]) -> int:
    """Print the table; `--long` adds a call of twelve hours. 1 where memory passed its limit.

    `--promise`: only that call, and repeats of another one, and their row of trust.md.
    """
    if "--promise" in arguments:
        return int(not _keep_promise())
    return int(_table(_CASES + (_LONG_CASES if "--long" in arguments else [])) is None)


def _table(cases: Sequence[tuple[int, bool, Format]]) -> Mapping[Format, Cost] | None:
    """Print the cases; return the last costs by format, None where memory passed its limit."""
    print(f"Finalization of two-track calls on {machine()}\n")
    print("| call | channels | format | seconds | CPU python | CPU ffmpeg | peak python |", end="")
    print(" peak ffmpeg | size |\n|---|---|---|---|---|---|---|---|---|")
    costs: dict[Format, Cost] = {}
    most_mb = 0
    for hours in sorted({case[0] for case in cases}):
        with tempfile.TemporaryDirectory() as folder:
            write_call(Path(folder), 60 * hours)
            for stereo, format_ in [case[1:] for case in cases if case[0] == hours]:
                costs[format_] = cost = _measured_apart(folder, stereo, format_)
                assert cost.samples == hours * 3600 * 8000
                most_mb = max(most_mb, cost.python_mb + cost.ffmpeg_mb)
                print(_line(hours, stereo, format_, cost), flush=True)
    verdict = "below" if most_mb < _LIMIT_MB else "ABOVE"
    print(f"\nMost memory, python and ffmpeg together: {most_mb} MB, {verdict} {_LIMIT_MB} MB")
    return costs if most_mb < _LIMIT_MB else None


def _keep_promise() -> bool:
    """Show what finalization promises; tell whether it is so."""
    runs = [_repeated(format_) for format_ in Format]
    print(f"{_REPEATED_MINUTES} min, two at once and {_REPEATS} repeats: the same bytes\n")
    costs = _table(_LONG_CASES)
    if costs is None or any(costs[f].cpu_s > limit for f, limit in _LIMIT_CPU_S.items()):
        return False
    told = ", ".join(f"{format_} {costs[format_].cpu_s:.0f} s" for format_ in Format)
    most_mb = max(cost.python_mb + cost.ffmpeg_mb for cost in costs.values())
    trust.note(
        19,
        "finalization",
        "make finalization",
        f"12 h in stereo: {told} of one core, {most_mb} MB at most; two at once and {_REPEATS} "
        f"repeats in each format ({sum(runs)} runs): the same bytes, one object",
    )
    return True


def _repeated(format_: Format) -> int:
    """Finalize a call twice at once, then again and again, into one place; return how often.

    Raises AssertionError where the bytes differ, or lie there twice.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as made:
        write_call(Path(folder), _REPEATED_MINUTES)
        at_once = [_started(folder, True, format_, made) for _ in range(2)]
        costs = [_ended(process) for process in at_once]
        costs += [_ended(_started(folder, True, format_, made)) for _ in range(_REPEATS)]
        (sha256,) = {cost.sha256 for cost in costs}
        (rendition,) = [path for path in Path(made).iterdir() if path.suffix == f".{format_}"]
        assert sha256 == hashlib.sha256(rendition.read_bytes()).hexdigest()
        assert len(list(Path(made).iterdir())) == 2, "a rendition and its manifest"
    return len(costs)


def _measured_apart(folder: str, stereo: bool, format_: Format) -> Cost:
    return _ended(_started(folder, stereo, format_, ""))


def _started(folder: str, stereo: bool, format_: Format, made: str) -> subprocess.Popen[str]:
    wanted = json.dumps([folder, stereo, format_, made])
    command = [sys.executable, "-W", "ignore", "-m", "bench.finalization", "--measure", wanted]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _ended(process: subprocess.Popen[str]) -> Cost:
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a finalization ended with {process.returncode}")
    return Cost(**json.loads(said))


def _line(hours: int, stereo: bool, format_: Format, cost: Cost) -> str:
    cells = [
        f"{hours} h",
        "2" if stereo else "1",
        str(format_),
        f"{cost.seconds:.1f}",
        f"{cost.python_cpu_s:.1f} s",
        f"{cost.ffmpeg_cpu_s:.1f} s",
        f"{cost.python_mb} MB",
        f"{cost.ffmpeg_mb} MB",
        f"{cost.size / 1e6:.1f} MB",
    ]
    return f"| {' | '.join(cells)} |"


def machine() -> str:
    """Return what this runs on."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        folder_, stereo_, name, made_ = json.loads(sys.argv[2])
        cost_ = measure(folder_, stereo_, Format(name), made_)
        print(json.dumps({field: getattr(cost_, field) for field in Cost.__slots__}))
    else:
        raise SystemExit(main(sys.argv[1:]))
