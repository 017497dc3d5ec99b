"""Finalization's cost: `python -m bench.finalization`.

Each run is a process of its own, with the SDK loaded as in the Lambda function; its media lies in a
folder. What the kernel says of the process and of ffmpeg is printed: CPU seconds, peak memory.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from threading import Event, Thread
from time import perf_counter
from typing import cast

from bench.captured_call import (
    FolderMediaStore,
    FolderRenditionStore,
    OneRow,
    write_call,
)
from chalicelib.adapters.encoder import FileEncoder
from chalicelib.recording.manifest import parse_manifest
from chalicelib.recording.model import Format, RecordOptions
from chalicelib.row_ports import Calls, Recordings
from chalicelib.services.assemble import assemble

_CASES = [(1, True, Format.WAV), (1, True, Format.MP3), (1, True, Format.MP4)]
_CASES += [(1, False, Format.WAV), (1, False, Format.MP3), (1, False, Format.MP4)]
_CASES += [(4, True, Format.WAV), (4, True, Format.MP3), (4, True, Format.MP4)]
_LONG_CASES = [(12, True, format_) for format_ in Format]
_LIMIT_MB = 256


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


def measure(folder: str, stereo: bool, format_: Format) -> Cost:
    """Finalize the call in a folder, in this process."""
    import boto3  # noqa: PLC0415  what the Lambda function has in memory too

    boto3.client("s3", region_name="eu-west-1")
    row = OneRow(RecordOptions(stereo=stereo, format=format_))
    with tempfile.TemporaryDirectory() as made:
        renditions = FolderRenditionStore(Path(made))
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
    )


def main(arguments: list[str]) -> int:
    """Print the table; `--long` adds a call of twelve hours. 1 where memory passed its limit."""
    cases = _CASES + (_LONG_CASES if "--long" in arguments else [])
    print(f"Finalization of two-track calls on {machine()}\n")
    print("| call | channels | format | seconds | CPU python | CPU ffmpeg | peak python |", end="")
    print(" peak ffmpeg | size |\n|---|---|---|---|---|---|---|---|---|")
    most_mb = 0
    for hours in sorted({case[0] for case in cases}):
        with tempfile.TemporaryDirectory() as folder:
            write_call(Path(folder), 60 * hours)
            for stereo, format_ in [case[1:] for case in cases if case[0] == hours]:
                cost = _measured_apart(folder, stereo, format_)
                assert cost.samples == hours * 3600 * 8000
                most_mb = max(most_mb, cost.python_mb + cost.ffmpeg_mb)
                print(_line(hours, stereo, format_, cost), flush=True)
    verdict = "below" if most_mb < _LIMIT_MB else "ABOVE"
    print(f"\nMost memory, python and ffmpeg together: {most_mb} MB, {verdict} {_LIMIT_MB} MB")
    return int(most_mb >= _LIMIT_MB)


def _measured_apart(folder: str, stereo: bool, format_: Format) -> Cost:
    wanted = json.dumps([folder, stereo, format_])
    command = [sys.executable, "-W", "ignore", "-m", "bench.finalization", "--measure", wanted]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout))


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
        folder_, stereo_, name = json.loads(sys.argv[2])
        cost_ = measure(folder_, stereo_, Format(name))
        print(json.dumps({field: getattr(cost_, field) for field in Cost.__slots__}))
    else:
        raise SystemExit(main(sys.argv[1:]))
