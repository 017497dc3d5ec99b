"""SWML: SignalWire's markup, the same steps as YAML and as JSON.

Source: SWML's schema (`tap`, `record_call`). Query strings are dropped on the way, so what must
arrive stands in the path; `${call.call_id}` is filled by SignalWire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from chalicelib.dialects.documents.base import Arrangement, Document, DocumentDialect, Sides
from chalicelib.dialects.streams import signalwire_tap

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
    """Return the steps as YAML and as JSON."""
    script = {"version": "1.0.0", "sections": {"main": _steps(wanted)}}
    return (
        Document(name="swml.yaml", content_type="application/yaml", text=_yaml(script)),
        Document(
            name="swml.json",
            content_type="application/json",
            text=json.dumps(script, indent=2) + "\n",
        ),
    )


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
        # Every option stands there: SignalWire's doors differ in their defaults.
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
    return f"{wanted.sink_url}/{signalwire_tap.NAME}/{wanted.token}/{call}/{direction}"


DIALECT = DocumentDialect(
    stream_urls=stream_urls,
    call_stream_url=call_stream_url,
    call_stream_urls=call_stream_urls,
    documents=documents,
)
