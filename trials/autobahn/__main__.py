"""`make trial NAME=autobahn`: run Autobahn|Testsuite against the sink's WebSocket.

Exits with 1 if a case ends neither with OK nor as `accepted.toml` says.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import trust
from trials.autobahn import verdicts

AGENT = "sink"
WSTEST = Path(".venv-autobahn/bin/wstest")
FOLDER = Path(".build/autobahn")
WITHIN_S = 300


def main() -> int:
    """Run all cases; return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with _echo() as port:
        _fuzz(port)
    found = verdicts.read_report(FOLDER / "index.json", AGENT)
    bad = verdicts.complaints(found, verdicts.acceptances())
    print(f"{len(found)} cases in {time.monotonic() - began:.0f} s: {verdicts.counts(found)}")
    print(f"{len(bad)} outside the accepted ones; each case in {FOLDER}/index.html")
    print("".join(f"  {line}\n" for line in bad), end="")
    if bad or not found:
        return 1
    figure = f"{len(found)} cases: {verdicts.counts(found)}; 0 outside the accepted ones"
    trust.note(16, "websocket protocol", "make trial NAME=autobahn", figure)
    return 0


@contextmanager
def _echo() -> Iterator[int]:
    """Run the echo; give its port."""
    command = [sys.executable, "-m", "trials.autobahn.echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _fuzz(port: int) -> None:
    """Let the fuzzing client write its report."""
    spec = FOLDER / "spec.json"
    wanted = {
        "outdir": str(FOLDER),
        "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}],
        "cases": ["*"],
        "exclude-cases": verdicts.not_run(),
        "exclude-agent-cases": {},
    }
    spec.write_text(json.dumps(wanted))
    (FOLDER / "index.json").unlink(missing_ok=True)
    with (FOLDER / "wstest.log").open("w") as log:
        subprocess.run(
            [WSTEST, "--mode", "fuzzingclient", "--spec", spec],
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=WITHIN_S,
            check=True,
        )


if __name__ == "__main__":
    sys.exit(main())
