"""`make trial NAME=api-fuzz`: send the API what its own OpenAPI document offers, with schemathesis.

Exits with 1 after a finding.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from bench import trust
from trials.api_fuzz.server import served

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
DOCUMENT = ROOT / "chalicelib" / "api" / "openapi.json"
SCHEMATHESIS = ROOT / ".venv-api-fuzz" / "bin" / "schemathesis"
FOLDER = ROOT / ".build" / "api-fuzz"
"""where it keeps what it found"""
EXAMPLES = "30"
"""of each operation, beside the cases that its schema's bounds make"""

_GENERATED = re.compile(r"^\s*(\d+) generated", re.MULTILINE)


def main() -> int:
    """Let schemathesis ask; return its exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served() as app:
        command = [
            SCHEMATHESIS,
            *("--config-file", CONFIG, "run", DOCUMENT, "--url", app.url),
            *("--header", f"Authorization: {app.authorization}"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES),
            *("--continue-on-failure", "--warnings", "off", *sys.argv[1:]),
        ]
        ended = subprocess.run(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=False)
    print(ended.stdout)
    asked = _GENERATED.search(ended.stdout)
    if asked is not None and not ended.returncode and not sys.argv[1:]:
        figure = f"{int(asked[1]):,} requests made from the OpenAPI document, 0 findings"
        trust.note(18, "requests to the API", "make trial NAME=api-fuzz", figure)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
