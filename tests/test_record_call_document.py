"""docs/reference/record_call.md: what it lists is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from chalicelib.recording.model import RecordOptions
from chalicelib.recording.options import parse_record_call, to_json
from chalicelib.swml.script import ParseContext, RecordCall, TapStep, parse_script
from chalicelib.swml.text import read_yaml

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "reference" / "record_call.md").read_text()
API: dict[str, Any] = json.loads((ROOT / "chalicelib" / "api" / "openapi.json").read_text())


def rows(head: str) -> dict[str, list[str]]:
    """Return a table's rows by their first word."""
    table = DOCUMENT.split(f"| {head} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {name: row for row in cells for name in re.findall(r"`(\w+)`", row[0])}


def test_every_property_has_its_default() -> None:
    """Key for key those of the API, in JSON's words."""

    listed = rows("property")

    assert API["components"]["schemas"]["RecordCall"]["properties"].keys() == listed.keys()
    for name, default in to_json(RecordOptions()).items():
        shown = listed[name][2].partition(":")[0].strip("`")
        assert default == (shown if shown == default else json.loads(shown)), name


def test_every_example_is_taken() -> None:
    """All of them together are one request."""

    examples = {name: json.loads(row[3].strip("`")) for name, row in rows("property").items()}

    control_id, options = parse_record_call(examples)

    assert examples == {"control_id": control_id, **to_json(options)}


def test_every_variable_is_listed() -> None:
    """Those of `record_call`; warnings are its own."""

    result = API["components"]["schemas"]["RecordCallResult"]["properties"]
    assert result.keys() - {"warnings"} == rows("variable").keys()


def test_the_script_is_one() -> None:
    """What is shown to be pasted can be read."""

    _, _, script = DOCUMENT.partition("<<'YAML'\n")
    document = read_yaml(script.partition("\nYAML\n")[0].encode())

    read = parse_script(document, ParseContext(new_id=lambda: "made"))

    assert [RecordCall, TapStep] == [type(step) for step in read.steps]
    assert ["play"] == [skipped.method for skipped in read.skipped]
