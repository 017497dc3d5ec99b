"""The cloud assembly of RecorderStack: one folder per state of its sources, made at most once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.layer import build_layer
from infra.local.processes import run_step
from infra.lock import locked
from infra.paths import BUILD, ROOT

_ASSEMBLIES = BUILD / "assemblies"
_SOURCES = ("app.py", "requirements.txt", ".chalice", "chalicelib", "infra")
_UNPACKAGED = {"__pycache__", "deployments", "deployed"}
_KEPT = 3


def build_assembly(run_folder: Path, python: str) -> Path:
    """Return the folder to deploy from; synthesize it where these sources have none yet."""
    assembly = _ASSEMBLIES / _digest_of_sources()
    with locked(_ASSEMBLIES / "lock"):
        if not (assembly / "complete").exists():
            build_layer()
            _synthesize(assembly, run_folder / "synth.log", python)
            (assembly / "complete").touch()
        os.utime(assembly)
        _forget_old_assemblies()
    return assembly


def _synthesize(assembly: Path, log: Path, python: str) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "AWS_DEFAULT_REGION": "us-east-1",
        "CDK_OUTDIR": str(assembly),
        "CDK_CONTEXT_JSON": json.dumps({"removable": "true", "plain_http": "true"}),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    }
    command = [python, "-m", "infra.app"]
    run_step("Building the stack", command, log=log, environment=environment, within_s=600)


def _forget_old_assemblies() -> None:
    folders = [path for path in _ASSEMBLIES.iterdir() if path.is_dir()]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)


def _digest_of_sources() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in _files():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        path = ROOT / source
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in found:
            if file.is_file() and not _UNPACKAGED & set(file.parts):
                yield file
