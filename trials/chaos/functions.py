"""SIGKILL for the processes of a local AWS in which functions run, while they work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FUNCTIONS = ("Assemble", "Publish", "Attempt")
"""finalization, publish, delivery"""
_LOOK_S = 0.01
_APART_S = 2.0


class FunctionKiller:
    """Kills a process of each function so many times, each as soon as it is seen at work."""

    def __init__(self, folder: Path, each: int) -> None:
        self._folder = str(folder)
        self._wanted = Counter(dict.fromkeys(FUNCTIONS, each))
        self.killed: Counter[str] = Counter()
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[FunctionKiller]:
        """Kill until the block ends."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        busy: dict[int, int] = {}
        found: dict[int, str] = {}
        looked_s = 0.0
        while not self._over.wait(_LOOK_S) and +self._wanted:
            if time.monotonic() - looked_s > 0.5:
                found, looked_s = self._processes(), time.monotonic()
            for pid, function in found.items():
                ticks = _ticks(pid)
                # What was just started imports for a second; that is no work yet.
                if pid in busy and ticks > busy[pid] and self._wanted[function] > 0:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        self._wanted[function] -= 1
                        self.killed[function] += 1
                    found = {}
                    self._over.wait(_APART_S)
                    break
                busy[pid] = ticks

    def _processes(self) -> dict[int, str]:
        """Return the function of each process of this local AWS that runs one of ours."""
        found = {}
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                command = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                for function in FUNCTIONS:
                    if self._folder in command and f"-{function}-" in command:
                        found[int(place.parent.name)] = function
        return found


def _ticks(pid: int) -> int:
    """Return the CPU time of a process, in hundredths of a second."""
    with suppress(OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0
