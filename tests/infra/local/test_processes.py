"""Child processes of a local run."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from infra.local.failures import RunFailed
from infra.local.processes import last_line, run_step, running, wait_until_ready


def python(code: str) -> list[str]:
    """A command that runs a line of Python."""
    return [sys.executable, "-c", code]


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs (a zombie doesn't)."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def outlives(pid: int) -> bool:
    """Whether a killed process is still there when the kernel had time to end it."""
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_alive(pid)


def test_grandchildren_go_too(tmp_path: Path) -> None:
    """What a process started, and didn't end itself, is gone when the block ends."""
    log = tmp_path / "log"
    code = (
        "import subprocess, sys, time;"
        "print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
    )

    with running("It", python(code), log=log, environment=os.environ) as process:
        wait_until_ready("It", process, lambda: b"\n" in log.read_bytes(), log=log, within_s=10)
        grandchild = int(log.read_text())
        assert is_alive(grandchild)

    assert not outlives(grandchild)
    assert not outlives(process.pid)


def test_an_early_end_is_told_with_its_reason(tmp_path: Path) -> None:
    """The sentence holds the last thing the process said, and where the rest is."""
    log = tmp_path / "log"
    command = python("import sys; print('error: no such region'); sys.exit(3)")

    with (
        running("It", command, log=log, environment=os.environ) as process,
        pytest.raises(RunFailed, match=r"It ended at its start with code 3: error: no such region"),
    ):
        wait_until_ready("It", process, lambda: False, log=log, within_s=10)


def test_a_process_that_is_never_ready_is_no_hang(tmp_path: Path) -> None:
    """The wait has an end."""
    log = tmp_path / "log"
    command = python("import time; time.sleep(300)")

    with (
        running("It", command, log=log, environment=os.environ) as process,
        pytest.raises(RunFailed, match="It was not ready within 0 s"),
    ):
        wait_until_ready("It", process, lambda: False, log=log, within_s=0.2)


def test_a_missing_program_is_one_sentence(tmp_path: Path) -> None:
    """No traceback of the operating system's error."""

    with pytest.raises(RunFailed, match="It can't be started: No such file"):
        run_step("It", ["/nowhere/it"], log=tmp_path / "log", environment={}, within_s=1)


def test_a_failed_step_is_one_sentence(tmp_path: Path) -> None:
    """A command that fails tells its last error line."""
    command = python("import sys; print('fine'); print('Error: boom.'); print('bye'); sys.exit(1)")

    with pytest.raises(RunFailed, match=r"It failed: Error: boom \(the whole log"):
        run_step("It", command, log=tmp_path / "log", environment=os.environ, within_s=10)


def test_a_silent_log_has_a_last_line_too(tmp_path: Path) -> None:
    """Nothing said is said so."""
    log = tmp_path / "log"
    log.write_text("\n---\n")

    assert "it said nothing" == last_line(log)
