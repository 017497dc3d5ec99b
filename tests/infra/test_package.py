"""What is uploaded: sizes against Lambda's limits, and Chalice on its own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import urllib.request
import zipfile
from pathlib import Path

from infra.local.ports import HOST, choose_port
from infra.local.processes import running, wait_until_ready
from infra.paths import BUILD
from tests.infra.conftest import Assembly
from tests.targets.running import make

MIB = 1024 * 1024
ZIP_LIMIT = 35 * MIB
"""our own; what can be uploaded in one piece is 50"""
LAMBDA_LIMIT = 250 * 1000 * 1000
"""unzipped, with every layer"""

CHALICE = Path(sys.executable).parent / "chalice"
ENVIRONMENT = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}


def unzipped(path: Path) -> int:
    """How many bytes an archive holds."""
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def app_zip(assembly: Assembly) -> Path:
    """The zip of the Lambda functions."""
    return assembly.asset("RecorderStack", ".zip", "ChaliceAppCode")


def layer_zip(assembly: Assembly) -> Path:
    """The zip of the encoder's layer."""
    return assembly.asset("RecorderStack", ".zip", "Ffmpeg")


def test_zip_passes_chalice(assembly: Assembly) -> None:
    """The Lambda zip leaves room below what can be uploaded in one piece."""

    assert app_zip(assembly).stat().st_size < ZIP_LIMIT


def test_zip_and_layer_fit_together(assembly: Assembly) -> None:
    """Unpacked, the functions and the encoder stay under Lambda's limit."""

    assert unzipped(app_zip(assembly)) + unzipped(layer_zip(assembly)) < LAMBDA_LIMIT


def test_zip_holds_no_development_requirement(assembly: Assembly) -> None:
    """moto, pytest, the CDK and the encoder stay outside."""
    with zipfile.ZipFile(app_zip(assembly)) as archive:
        packages = {name.split("/")[0] for name in archive.namelist()}

    assert set() == packages & {"moto", "pytest", "aws_cdk", "imageio_ffmpeg", "picows", "infra"}


def test_layer_lets_ffmpeg_run(assembly: Assembly) -> None:
    """The encoder is where Python looks in a layer, and may be executed."""
    with zipfile.ZipFile(layer_zip(assembly)) as archive:
        modes = {
            entry.filename: entry.external_attr >> 16
            for entry in archive.infolist()
            if "/binaries/ffmpeg" in entry.filename
        }

    assert 1 == len(modes)
    assert all(name.startswith("python/imageio_ffmpeg/") for name in modes)
    assert all(mode & stat.S_IXOTH for mode in modes.values())


def test_chalice_packages_without_the_cdk() -> None:
    """.chalice/config.json stands on its own: `make package` writes a zip and a template."""
    package = BUILD / "package"
    shutil.rmtree(package, ignore_errors=True)

    done = make("package")

    assert (0, "") == (done.code, done.complaints)
    template = json.loads((package / "sam.json").read_text())
    assert {"APIHandler", "Assemble", "Sweep"} <= set(template["Resources"])
    assert zipfile.is_zipfile(package / "deployment.zip")


def test_chalice_serves_locally(tmp_path: Path) -> None:
    """`chalice local` answers what needs no AWS."""
    port, log = choose_port("UNSET"), tmp_path / "chalice.log"
    command = [str(CHALICE), "local", "--stage", "dev", "--no-autoreload", "--port", str(port)]
    url = f"http://{HOST}:{port}/v1/openapi.json"

    with running("chalice local", command, log=log, environment=ENVIRONMENT) as process:
        wait_until_ready("chalice local", process, lambda: answers(url), log=log, within_s=30)

        assert answers(url)


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status) == 200
    except OSError:
        return False
