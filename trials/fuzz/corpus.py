"""Where a parser's kept inputs are: with its carrier's tests, or here."""

from __future__ import annotations

from pathlib import Path

from chalicelib.carriers import registry
from infra.paths import ROOT

OWN = Path(__file__).with_name("corpus")
CARRIERS = ROOT / "tests" / "carriers"


def folder_of(target: str) -> Path:
    """Return the folder of one target's inputs."""
    surface, _, name = target.partition("-")
    if surface == "messages" and name in registry.DIALECTS:
        return CARRIERS / registry.carrier_of(name) / "corpus" / target
    if surface in ("webhook", "api") and name in registry.ROWS:
        return CARRIERS / name / "corpus" / target
    return OWN / target


def kept() -> list[Path]:
    """Return every folder that has kept inputs: those of a carrier without a row are left out."""
    places = [OWN, *(CARRIERS / name / "corpus" for name in registry.ROWS)]
    return [
        folder for place in places for folder in sorted(place.iterdir()) if any(folder.iterdir())
    ]
