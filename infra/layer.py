"""Build the ffmpeg layer: `python -m infra.layer` writes .build/ffmpeg-layer.zip.

The wheel's files go under python/, where Lambda puts a layer on the import path, with their
modes; the same wheel gives the same zip, so that a deployment without changes uploads nothing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.paths import LAYER_ZIP

REQUIREMENT = "imageio-ffmpeg==0.6.0"
PLATFORM = "manylinux2014_x86_64"

_EPOCH = (1980, 1, 1, 0, 0, 0)


def build_layer(target: Path = LAYER_ZIP) -> Path:
    """Download the pinned wheel and write it as a layer; an existing layer of that pin is kept."""
    stamp = target.with_suffix(".requirement")
    if target.exists() and stamp.exists() and stamp.read_text() == REQUIREMENT:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        partial = Path(folder) / target.name
        _write_layer(_download_wheel(Path(folder)), partial)
        partial.replace(target)
    stamp.write_text(REQUIREMENT)
    return target


def _download_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", REQUIREMENT, "--no-deps", "-qq"]
    command += ["--only-binary", ":all:", "--platform", PLATFORM, "--dest", str(folder)]
    subprocess.run(command, check=True)
    return next(folder.glob("imageio_ffmpeg-*.whl"))


def _write_layer(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as layer:
        for member in sorted(source.namelist()):
            entry = zipfile.ZipInfo(f"python/{member}", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            is_program = "/binaries/ffmpeg" in member
            entry.external_attr = (0o755 if is_program else 0o644) << 16
            layer.writestr(entry, source.read(member))


if __name__ == "__main__":
    print(build_layer())
