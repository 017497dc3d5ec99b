"""A sink process from outside: its memory, its files, what it says of itself."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ingest import Child, get

_EVERY_S = 0.25
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The sink at a moment."""

    at_s: float
    resident_bytes: int
    disk_bytes: int
    degraded: str


@dataclass(slots=True)
class Watch:
    """Looks at a sink four times a second, and reads its log."""

    sink: Child
    port: int
    samples: list[Sample] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    """the log lines that CloudWatch takes for metrics"""
    failures: list[str] = field(default_factory=list)
    """tracebacks in the log"""
    _over: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """Watch until the process ends, or `end`."""
        threading.Thread(target=self._read_log, daemon=True).start()
        threading.Thread(target=self._look, daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def since(self, at_s: float, until_s: float = float("inf")) -> list[Sample]:
        """Return the samples of a time."""
        return [one for one in list(self.samples) if at_s <= one.at_s <= until_s]

    def latest(self) -> Sample:
        """Return what was seen last."""
        return self.samples[-1]

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            with suppress(OSError):  # the process ends
                said = get(self.port, "/healthz")
                self.samples.append(
                    Sample(
                        at_s=time.monotonic(),
                        resident_bytes=self.sink.resident_bytes(),
                        disk_bytes=unnamed_bytes(self.sink.process.pid),
                        degraded=said["degraded"],
                    )
                )

    def _read_log(self) -> None:
        assert self.sink.process.stdout is not None
        for line in self.sink.process.stdout:
            said = json.loads(line)
            if "_aws" in said:
                self.metrics.append(said)
            if "failure" in said:
                self.failures.append(said["failure"])


def unnamed_bytes(pid: int) -> int:
    """Return what the nameless files of a process take on the disk."""
    found = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            facts = os.stat(link)
            if stat.S_ISREG(facts.st_mode) and not facts.st_nlink:
                found += facts.st_blocks * _BLOCK
    return found
