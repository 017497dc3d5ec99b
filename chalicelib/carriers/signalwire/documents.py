"""SWML: SignalWire's markup, the same steps as YAML and as JSON.

Source: SWML's schema (`tap`, `record_call`) and its pages of `answer` and `sleep`. Query strings
are dropped on the way, so what must arrive is in the path; `${call.call_id}` is filled by
SignalWire. None of our steps blocks, and a script that is over leaves nothing to do on the call:
the documents leave that to the customer's own steps, and those for trying sleep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from chalicelib.carriers.contract.document import (
    TRYING_S,
    Arrangement,
    Document,
    DocumentDialect,
    Sides,
)
from chalicelib.carriers.signalwire import tap_stream

NOTE = (
    "Your own steps (connect, play and so on) must follow: a tap does not block, and the call ends"
    " with its script."
)
TRYING_NOTE = (
    f"For trying only: streams to Tapedeck and keeps the call up, silent, for {TRYING_S} seconds."
    " For real calls take the document without -try, and add your own steps."
)

_THIS_CALL = "${call.call_id}"
_TAP_DIRECTIONS = {
    Sides.SPEAK: ("speak",),
    Sides.LISTEN: ("listen",),
    Sides.BOTH: ("speak", "listen"),
    Sides.MIXED: ("both",),
}
"""A tap is one track: two taps are how a SignalWire call gets two channels."""

_WIDTH = 4096
"""columns of YAML: a URL stays on its line"""


def stream_urls(wanted: Arrangement) -> tuple[str, ...]:
    """Return one URL per tap."""
    return tuple(_url(wanted, _THIS_CALL, name) for name in _TAP_DIRECTIONS[wanted.sides])


def call_stream_url(wanted: Arrangement, call_id: str) -> str:
    """Return the URL of a known call's one tap; both sides in one tap are mixed."""
    sides = Sides.MIXED if wanted.sides is Sides.BOTH else wanted.sides
    return _url(wanted, quote(call_id, safe=""), _TAP_DIRECTIONS[sides][0])


def call_stream_urls(wanted: Arrangement, call_id: str) -> tuple[str, ...]:
    """Return one URL per tap of a known call."""
    call = quote(call_id, safe="")
    return tuple(_url(wanted, call, name) for name in _TAP_DIRECTIONS[wanted.sides])


def documents(wanted: Arrangement) -> tuple[Document, ...]:
    """Return the steps as YAML and as JSON, and both as whole scripts for trying."""
    steps = _steps(wanted)
    script = _script(steps)
    # Neither a tap nor sleep answers the call; the customer's own steps do.
    whole = _script([{"answer": {}}, *steps, {"sleep": TRYING_S * 1000}])
    return (
        _in_yaml("swml.yaml", _yaml(script) + f"  # {NOTE}\n", NOTE),
        _in_json("swml.json", script, NOTE),
        _in_yaml("swml-try.yaml", f"# {TRYING_NOTE}\n" + _yaml(whole), TRYING_NOTE),
        _in_json("swml-try.json", whole, TRYING_NOTE),
    )


def _script(steps: list[dict[str, object]]) -> dict[str, object]:
    return {"version": "1.0.0", "sections": {"main": steps}}


def _in_yaml(name: str, text: str, note: str) -> Document:
    return Document(name=name, content_type="application/yaml", text=text, note=note)


def _in_json(name: str, script: Mapping[str, object], note: str) -> Document:
    text = json.dumps(script, indent=2) + "\n"
    return Document(name=name, content_type="application/json", text=text, note=note)


def _steps(wanted: Arrangement) -> list[dict[str, object]]:
    steps: list[dict[str, object]] = [
        {
            "tap": {
                "uri": _url(wanted, _THIS_CALL, name),
                "control_id": f"tapedeck-{name}",
                "direction": name,
                "codec": str(wanted.encoding),
                "status_url": wanted.hook_url,
            }
        }
        for name in _TAP_DIRECTIONS[wanted.sides]
    ]
    if wanted.carrier_records is not None:
        # Every option is stated: SignalWire's APIs differ in their defaults.
        record_call = {
            "control_id": "carrier-recording",
            "stereo": wanted.carrier_records.stereo,
            "format": str(wanted.carrier_records.format),
            "direction": str(wanted.carrier_records.direction),
            "status_url": wanted.hook_url,
        }
        steps.append({"record_call": record_call})
    return steps


def _yaml(script: Mapping[str, object]) -> str:
    import yaml  # noqa: PLC0415  # 20 ms that only this document costs

    return str(yaml.safe_dump(script, sort_keys=False, allow_unicode=True, width=_WIDTH))


def _url(wanted: Arrangement, call: str, direction: str) -> str:
    return f"{wanted.sink_url}/{tap_stream.NAME}/{wanted.token}/{call}/{direction}"


DIALECT = DocumentDialect(
    stream_urls=stream_urls,
    call_stream_url=call_stream_url,
    call_stream_urls=call_stream_urls,
    documents=documents,
)
