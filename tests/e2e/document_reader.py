"""Somebody who pastes a document's commands into a shell, on a stage with calls of their own."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.sync.server import ServerConnection, serve

from infra.local.ports import HOST
from tests.documents import ROOT, ShellBlock
from tests.e2e.stage import Stage, Worker, until

NOWHERE = "ws://127.0.0.1:9"
"""where the stage's documents point: each test of the stage has a worker of its own"""

_SHIMS = {
    # A shell goes on after a curl that was answered 4xx; here that is a failure.
    "bin/curl": 'exec /usr/bin/env -i PATH=/usr/bin:/bin curl --fail-with-body -sS "$@"',
    "bin/aws": f'exec "{sys.executable}" -m tests.e2e.aws_cli "$@"',
    "bin/python3": f'exec "{sys.executable}" "$@"',
    # A call of twenty seconds takes eight: carriers may send three times as fast as people talk.
    ".venv/bin/python": f'exec "{sys.executable}" "${{@//$NOWHERE/$SINK}}" --speed 2.5',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a block."""

    code: int
    said: str


@dataclass(kw_only=True)
class Reader:
    """A shell in a folder that looks like a clone, and what the documents' variables stand for."""

    stage: Stage
    worker: Worker
    folder: Path
    hosts: Mapping[str, str]
    """what stands for the addresses of the documents' examples"""
    live_call: str = ""
    finished: list[str] = field(default_factory=list)
    """ids of recordings; one that a document deletes is taken out"""

    def paste(self, block: ShellBlock, variables: Mapping[str, str]) -> Done:
        """Run a block as it is in the document, but for its example hosts."""
        text = block.text
        for shown, here in self.hosts.items():
            text = text.replace(shown, here)
        done = subprocess.run(
            ["bash", "-e", "-u", "-o", "pipefail", "-c", text],
            cwd=self.folder,
            env={**self._environment(), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(code=done.returncode, said=f"{text}\n{done.stdout}{done.stderr}")

    def variables(self, document: str, text: str) -> dict[str, str]:
        """Return the variables that a document's commands use."""
        told = self.stage.instructions("bandwidth")
        recording = self.finished.pop() if "-X DELETE" in text else self.finished[0]
        control_id = re.sub(r"\W", "-", Path(document).stem)
        if "$CONTROL_ID" in text:
            path = f"/v1/calls/{self.live_call}/record_call"
            self.stage.customer.post(path, {"control_id": control_id})
        return {
            "API": self.stage.customer.api_url,
            "KEY": self.stage.customer.key,
            "CALL_ID": self.live_call,
            "CONTROL_ID": control_id,
            "ID": recording,
            "STREAM_URL": told["stream_url"],
            "HOOK_URL": told["hook_url"],
            "SIGNING_KEY": self.stage.stack.outputs["SigningKey"],
        }

    @contextmanager
    def calls(self, finished: int) -> Iterator[None]:
        """Have a live call, and so many short ones that were recorded."""
        self.live_call = self.stage.fresh("documented")
        ids = [self.stage.fresh("documented-short") for _ in range(finished)]
        live, *short = [
            self._play(self.live_call, 120),
            *(self._play(call_id, 2) for call_id in ids),
        ]
        try:
            assert until(lambda: self._records(self.live_call), 30)
            for call in short:
                call.wait(30)
            for call_id in ids:
                ended = self.stage.await_ended(call_id, within_s=60)
                assert "finished" == ended["state"]
                self.finished.append(ended["recording_id"])
            yield
        finally:
            for call in (live, *short):
                call.kill()
                call.wait()

    def _records(self, call_id: str) -> bool:
        return "recording" == self.stage.recording(call_id).get("state")

    def _play(self, call_id: str, seconds: int) -> subprocess.Popen[bytes]:
        told = self.stage.instructions("bandwidth")
        command = [sys.executable, "-m", "simulator", "--dialect", "bandwidth"]
        command += ["--stream-url", self.worker.at(told["stream_url"])]
        command += ["--hook-url", told["hook_url"], "--call-id", call_id]
        command += ["--seconds", str(seconds)]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _environment(self) -> dict[str, str]:
        return {
            **self.stage.aws.environment,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NOWHERE": NOWHERE,
            "SINK": f"ws://{HOST}:{self.worker.port}",
        }


def make_clone(folder: Path) -> Path:
    """Make a folder that has what the documents' commands name."""
    (folder / "docs" / "pictures").mkdir(parents=True)
    for name in ("docs/pictures/waveform.py", "simulator"):
        (folder / name).symlink_to(ROOT / name)
    for name, line in _SHIMS.items():
        shim = folder / name
        shim.parent.mkdir(parents=True, exist_ok=True)
        shim.write_text(f"#!/bin/bash\n{line}\n")
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    return folder


@contextmanager
def listening() -> Iterator[str]:
    """Take websockets, and what they send; yield where."""

    def take(connection: ServerConnection) -> None:
        for _ in connection:
            pass

    with serve(take, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://{HOST}:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
