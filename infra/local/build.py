"""The cloud assembly of RecorderStack, made again only when its sources changed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.layer import build_layer
from infra.local.processes import run_step
from infra.paths import BUILD, ROOT

ASSEMBLY = BUILD / "local.out"

_DIGEST = BUILD / "local.digest"
_SOURCES = ("app.py", "requirements.txt", ".chalice", "chalicelib", "infra")


def build_assembly(run_folder: Path, python: str) -> bool:
    """Synthesize RecorderStack as the local run deploys it; False: nothing had changed."""
    digest = _digest_of_sources()
    if _DIGEST.exists() and _DIGEST.read_text() == digest and ASSEMBLY.exists():
        return False
    build_layer()
    run_step(
        "Building the stack",
        [python, "-m", "infra.app"],
        log=run_folder / "synth.log",
        environment=_environment(),
        within_s=600,
    )
    _DIGEST.write_text(digest)
    return True


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "AWS_DEFAULT_REGION": "us-east-1",
        "CDK_OUTDIR": str(ASSEMBLY),
        "CDK_CONTEXT_JSON": json.dumps({"removable": "true"}),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    }


def _digest_of_sources() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in _files():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        path = ROOT / source
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in found:
            if file.is_file() and not {"__pycache__", "deployments"} & set(file.parts):
                yield file
