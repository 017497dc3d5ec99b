"""Builds the API's OpenAPI document: paths as written, schemas from msgspec structs.

`make openapi` writes it to `chalicelib/api/openapi.json`, which the API serves; a test compares the
two. This package isn't in the Lambda zip.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from chalicelib.carriers.contract.document import Sides
from chalicelib.carriers.registry import DIALECTS, ROWS
from chalicelib.recording.model import State
from infra.openapi import calls, profiles, recordings, shape, taps
from infra.paths import ROOT

TARGET = ROOT / "chalicelib" / "api" / "openapi.json"

_WRITTEN = Path(__file__).with_name("paths")
_REFERENCE = "#/components/schemas/{name}"
_MODULES = (shape, recordings, profiles, taps, calls)


def document() -> dict[str, Any]:
    """Return the whole document."""
    whole = _written("head")
    whole["paths"] = _hooks()
    for name in ("profiles", "recordings", "calls", "about"):
        whole["paths"] |= _written(name)
    whole["components"]["schemas"] = _schemas() | _written("scripts")
    return whole


def text() -> str:
    """Return the document as the file holds it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _written(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((_WRITTEN / f"{name}.yaml").read_text("utf-8"))
    return found


def _hooks() -> dict[str, Any]:
    """Return the webhook routes: those of all carriers, and the first ones of those we have."""
    first = {route for row in ROWS.values() for route in (row.first_route, row.first_basic_route)}
    return {
        path: operations
        for path, operations in _written("carriers").items()
        if "{carrier}" in path or path in first
    }


def _schemas() -> dict[str, Any]:
    types = [found for module in _MODULES for found in vars(module).values() if _is_shape(found)]
    _, schemas = msgspec.json.schema_components([*types, State, Sides], ref_template=_REFERENCE)
    for schema in schemas.values():
        del schema["title"]  # the component's own name
    schemas["Dialect"] = _enum(DIALECTS)
    schemas["Carrier"] = _enum(ROWS)
    schemas["BasicCarrier"] = _enum(name for name, row in ROWS.items() if row.asks_basic)
    schemas["Document"] = _enum(name for row in ROWS.values() for name in row.documents)
    schemas["RtpEndpointRequest"]["dependentRequired"] = {"source_port": ["source_addr"]}
    return schemas


def _enum(names: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


def _is_shape(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, shape.Shape) and found is not shape.Shape


def main() -> None:
    """Write the file where it differs, and print which file it is."""
    written = text()
    if written != TARGET.read_text("utf-8"):
        TARGET.write_text(written, "utf-8")
    print(f"{TARGET.relative_to(ROOT)} has {len(document()['paths'])} paths")


if __name__ == "__main__":
    main()
