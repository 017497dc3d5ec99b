"""Child processes that end with the run, whatever ends it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.local.failures import RunFailed
from infra.paths import ROOT

_PR_SET_PDEATHSIG = 1  # prctl(2)
_POLL_S = 0.05
_LOG_TAIL = 15


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    stop_within_s: float = 10,
    folder: Path = ROOT,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in a session of its own, output to `log`; it is gone when the block ends.

    Raises RunFailed where it can't be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # spawned from the main thread only
            )
        except OSError as error:
            raise RunFailed(f"{name} can't be started: {error.strerror or error}.") from error
    try:
        yield process
    finally:
        stop(process, within_s=stop_within_s)


def wait_until_ready(
    name: str,
    process: subprocess.Popen[bytes],
    is_ready: Callable[[], bool],
    *,
    log: Path,
    within_s: float,
) -> None:
    """Return as soon as `is_ready`. Raises RunFailed when the process ends first, or time does."""
    deadline = time.monotonic() + within_s
    while not is_ready():
        if process.poll() is not None:
            raise RunFailed(
                f"{name} ended at its start with code {process.returncode}: {last_line(log)} "
                f"(the whole log is {log})."
            )
        if time.monotonic() > deadline:
            raise RunFailed(f"{name} was not ready within {within_s:.0f} s (its log is {log}).")
        time.sleep(_POLL_S)


def stop(process: subprocess.Popen[bytes], *, within_s: float) -> None:
    """Ask the process to end, then end its whole session."""
    try:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(within_s)
    finally:  # a second Ctrl-C too ends the wait, and leaves nothing
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own children too: Lambda workers, encoders
        process.wait()


def run_step(
    name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], within_s: float
) -> None:
    """Run a command to its end. Raises RunFailed with the last line it said where it fails."""
    with running(name, command, log=log, environment=environment) as process:
        finish_step(name, process, log=log, within_s=within_s)


def finish_step(name: str, process: subprocess.Popen[bytes], *, log: Path, within_s: float) -> None:
    """Wait for a command that was started. Raises RunFailed as `run_step` does."""
    try:
        code = process.wait(within_s)
    except subprocess.TimeoutExpired as error:
        raise RunFailed(f"{name} took longer than {within_s:.0f} s (its log is {log}).") from error
    if code != 0:
        raise RunFailed(f"{name} failed: {last_line(log)} (the whole log is {log}).")


def last_line(log: Path) -> str:
    """Return the last line of a log that says something: an error's, if one is near the end."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    spoken = [line for line in lines if any(letter.isalpha() for letter in line)][-_LOG_TAIL:]
    blamed = [line for line in spoken if "error" in line.lower() or "❌" in line]
    return (blamed or spoken or ["it said nothing"])[-1].rstrip(".")[:400]


def _die_with_parent() -> None:
    """Ask the kernel to end this child even where the run is killed and can't."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
