"""Where the project's own files are; imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
LAYER_ZIP = BUILD / "ffmpeg-layer.zip"
