"""All stacks, as `cdk synth` and CloudFormation's SAM transform leave them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from aws_cdk import App

from infra.app import build
from infra.layer import build_layer
from infra.paths import ROOT

CONTEXT = {
    "alarm_email": "ops@example.com",
    "reserved_concurrency": "50",
    "sink_domain": "sink.example.com",
    "sink_generation": "7",
    "hosted_zone_id": "Z0123456789",
    "hosted_zone_name": "example.com",
}

STACKS = ("RecorderStack", "SinkStack", f"SinkGeneration{CONTEXT['sink_generation']}")

FOREIGN_PYTHON = ROOT / ".venv-checkov/bin/python"
"""has checkov and SAM's translator; see requirements.txt beside this file"""

_HERE = Path(__file__).parent


def synthesize(folder: Path) -> App:
    """Write the stacks' templates into a folder, once the app is synthesized; return the app."""
    build_layer()
    app = App(outdir=str(folder), context=CONTEXT)
    before = dict(os.environ)
    try:
        build(app)
    finally:  # Chalice sets the functions' environment, with the CDK's tokens in it
        os.environ.clear()
        os.environ.update(before)
    return app


def expand(source: Path, target: Path) -> list[Path]:
    """Write the stacks' templates without SAM; return their paths."""
    target.mkdir(parents=True, exist_ok=True)
    run_foreign("expand.py", target, *(source / f"{stack}.template.json" for stack in STACKS))
    return [target / f"{stack}.json" for stack in STACKS]


def run_foreign(script: str, *arguments: Path) -> str:
    """Run a file of this folder in the other environment; return what it printed."""
    assert FOREIGN_PYTHON.exists(), "make setup installs it"
    command = [str(FOREIGN_PYTHON), str(_HERE / script), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
