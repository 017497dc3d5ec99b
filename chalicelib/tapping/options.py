"""tap's properties: SWML's names, types, defaults and ranges, read strictly.

Source: SignalWire's SWML schema, `Tap`; the bounds of `rtp_ptime` and the IPv4 address are those of
its `calling.tap` (device `rtp`).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from chalicelib.errors import InvalidRequest
from chalicelib.recording import request_fields
from chalicelib.recording.model import Direction
from chalicelib.recording.request_fields import given
from chalicelib.security.url_guard import STRICT, Purpose, UrlPolicy, parse_url
from chalicelib.tapping.model import Codec, TapOptions

LEAST_PTIME_MS, MOST_PTIME_MS, PTIME_STEP_MS = 10, 120, 10

_PROPERTIES = frozenset({"uri", "control_id", "direction", "codec", "rtp_ptime", "status_url"})


def parse_tap(
    body: Mapping[str, object], *, policy: UrlPolicy = STRICT
) -> tuple[str | None, TapOptions]:
    """Return the control id (None: not given) and the options of a `tap` body.

    Raises InvalidRequest with the key in its message, code `unknown_property`, `missing_property`,
    `wrong_type`, `out_of_range` or `unresolved_variable`, and UrlRefused for `uri` and
    `status_url`. A name in `uri` proves nothing: its addresses are checked when connecting.
    """
    request_fields.verify_known("tap", body, _PROPERTIES)
    return request_fields.control_id(body), TapOptions(
        uri=_uri(body, policy),
        direction=given(body, "direction", _direction, Direction.SPEAK),
        codec=given(body, "codec", _codec, Codec.PCMU),
        rtp_ptime_ms=given(body, "rtp_ptime", _ptime, 20),
        status_url=request_fields.status_url(body, policy),
    )


def to_json(options: TapOptions) -> dict[str, str | int]:
    """Return the options under SWML's names, as `parse_tap` reads them."""
    body: dict[str, str | int] = {
        "uri": options.uri,
        "direction": str(options.direction),
        "codec": str(options.codec),
        "rtp_ptime": options.rtp_ptime_ms,
    }
    if options.status_url:
        body["status_url"] = options.status_url
    return body


def _uri(body: Mapping[str, object], policy: UrlPolicy) -> str:
    if "uri" not in body:
        raise InvalidRequest("tap needs a uri", code="missing_property", key="uri")
    uri = request_fields.text("uri", body["uri"])
    url = parse_url(uri, policy, Purpose.TAP_URI)
    if url.scheme == "rtp" and not (isinstance(url.address, IPv4Address) and url.target == "/"):
        fact = "rtp://, an IPv4 address and a port, and nothing more"
        raise request_fields.out_of_range("uri", fact, uri)
    return uri


def _direction(key: str, value: object) -> Direction:
    return request_fields.word(key, value, Direction)


def _codec(key: str, value: object) -> Codec:
    return request_fields.word(key, value, Codec)


def _ptime(key: str, value: object) -> int:
    """Return milliseconds."""
    ptime_ms = request_fields.whole_number(key, value)
    if ptime_ms not in range(LEAST_PTIME_MS, MOST_PTIME_MS + 1, PTIME_STEP_MS):
        fact = f"from {LEAST_PTIME_MS} to {MOST_PTIME_MS} in steps of {PTIME_STEP_MS}"
        raise request_fields.out_of_range(key, fact, value)
    return ptime_ms
