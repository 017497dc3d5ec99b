"""The sink as a process beside the local AWS."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from infra.local.ports import HOST
from infra.local.processes import running, wait_until_ready

STOP_WITHIN_S = 115
"""a worker with calls writes everything first"""


@contextmanager
def running_sink(
    python: str, port: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[Popen[bytes]]:
    """Run `python -m chalicelib.sink` on a port of 127.0.0.1 until the block ends."""
    spool = folder / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    own = {
        "TAPEDECK_SINK_HOST": HOST,
        "TAPEDECK_SINK_PORT": str(port),
        "TAPEDECK_RTP_HOST": HOST,
        "TAPEDECK_RUN_DIR": str(spool),
    }
    log = folder / "sink.log"
    with running(
        "The sink",
        [python, "-m", "chalicelib.sink"],
        log=log,
        environment={**environment, **own},
        stop_within_s=STOP_WITHIN_S,
    ) as process:
        wait_until_ready("The sink", process, lambda: _is_well(port), log=log, within_s=60)
        yield process


def _is_well(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
