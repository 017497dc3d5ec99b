"""A version of the code, and its processes: workers, and the API with the Lambda functions."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from subprocess import PIPE
from types import MappingProxyType
from typing import Any

from infra.local.ports import HOST, choose_port
from infra.local.processes import running, wait_until_ready
from infra.paths import ROOT
from trials.chaos.slots import RTP_PORTS, Life
from trials.versions.cloud import Cloud
from trials.versions.functions import CLOCK, FUNCTIONS
from trials.versions.tree import baseline_tree

_FUNCTIONS = Path(__file__).with_name("functions.py")
_READY_WITHIN_S = 60
_STOP_WITHIN_S = 115
_ANSWER_WITHIN_S = 120
"""of a sweep: the sweeper has as long"""

_rtp_firsts = cycle(range(16_000, 19_900, RTP_PORTS))


class FunctionFailed(Exception):
    """A Lambda function raised; `raised` is the class's name, as Step Functions tells it."""

    def __init__(self, raised: str, message: str) -> None:
        super().__init__(f"{raised}: {message}")
        self.raised = raised
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """The API and the Lambda functions of one version."""

    version: str
    url: str
    """of the API, without a slash at its end"""

    def invoke(self, name: str, event: Mapping[str, object]) -> Any:
        """Return what a function returned. Raises FunctionFailed."""
        request = urllib.request.Request(
            f"{self.url}{FUNCTIONS}{name}", data=json.dumps(event).encode(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S) as answer:
                return json.load(answer)["returned"]
        except urllib.error.HTTPError as error:
            said = json.loads(error.read())
            raise FunctionFailed(said["raised"], said["message"]) from error

    def move_clock(self, at: datetime) -> None:
        """Let it be another time; only where they were started at one."""
        request = urllib.request.Request(f"{self.url}{CLOCK}", data=at.isoformat().encode())
        with urllib.request.urlopen(request, timeout=_ANSWER_WITHIN_S):
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Code in a folder."""

    name: str
    """`old` or `new`"""
    tree: Path

    @contextmanager
    def worker(
        self, cloud: Cloud, folder: Path, more: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Life]:
        """Run a sink until the block ends; `more`: of its environment."""
        port, rtp_first, spool = choose_port(""), next(_rtp_firsts), folder / "spool"
        spool.mkdir(parents=True, exist_ok=True)
        own = {
            "TAPEDECK_SINK_HOST": HOST,
            "TAPEDECK_SINK_PORT": str(port),
            "TAPEDECK_RTP_HOST": HOST,
            "TAPEDECK_RTP_PORTS": f"{rtp_first}-{rtp_first + RTP_PORTS - 1}",
            "TAPEDECK_RUN_DIR": str(spool),
        }
        log = folder / "sink.log"
        with running(
            f"The {self.name} sink",
            [sys.executable, "-m", "chalicelib.sink"],
            log=log,
            environment={**self.environment(cloud), **own, **more},
            stop_within_s=_STOP_WITHIN_S,
            folder=self.tree,
        ) as process:
            health: dict[str, str] = {}
            wait_until_ready(
                f"The {self.name} sink",
                process,
                lambda: health.update(_health(port)) or "worker" in health,
                log=log,
                within_s=_READY_WITHIN_S,
            )
            yield Life(port=port, rtp_first=rtp_first, process=process, name=health["worker"])

    @contextmanager
    def functions(
        self, cloud: Cloud, folder: Path, at: datetime | None = None
    ) -> Iterator[Functions]:
        """Run the API and the Lambda functions until the block ends; `at`: what time it is."""
        folder.mkdir(parents=True, exist_ok=True)
        port, log = choose_port(""), folder / "functions.log"
        command = [sys.executable, str(_FUNCTIONS), str(port)]
        command += ["--at", at.isoformat()] if at else []
        with running(
            f"The {self.name} functions",
            command,
            log=log,
            environment=self.environment(cloud),
            folder=self.tree,
        ) as process:
            functions = Functions(version=self.name, url=f"http://{HOST}:{port}")
            wait_until_ready(
                f"The {self.name} functions",
                process,
                lambda: _is_up(functions),
                log=log,
                within_s=_READY_WITHIN_S,
            )
            yield functions

    def make_key(self, cloud: Cloud) -> str:
        """Make an API key as an operator does."""
        command = [sys.executable, "-m", "chalicelib.api.keys", "create", "--account", "main"]
        environment = self.environment(cloud)
        done = subprocess.run(command, cwd=self.tree, env=environment, check=True, stdout=PIPE)
        return done.stdout.decode().split()[0]

    def environment(self, cloud: Cloud) -> dict[str, str]:
        """Return the environment of its processes."""
        return {**cloud.environment, "PYTHONPATH": str(self.tree)}


def working_tree() -> Version:
    """Return the code as it is here."""
    return Version(name="new", tree=ROOT)


def baseline() -> Version:
    """Return the code as it may be deployed. Raises NoHistory."""
    return Version(name="old", tree=baseline_tree())


def _health(port: int) -> dict[str, str]:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2) as answer:
            said: dict[str, str] = json.load(answer)
            return said
    except (OSError, ValueError):
        return {}


def _is_up(functions: Functions) -> bool:
    try:
        with urllib.request.urlopen(f"{functions.url}/v1/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
