"""record_call's properties: SWML's names, types, defaults and ranges, read strictly.

Source: SignalWire's SWML schema, `RecordCall`. Where it names no bound, ours is below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chalicelib.recording import request_fields
from chalicelib.recording.model import Direction, Format, RecordOptions
from chalicelib.recording.request_fields import given
from chalicelib.security.url_guard import STRICT, UrlPolicy

MAX_SECONDS = 43_200.0
"""12 h: no stream may last longer"""
MAX_SENSITIVITY = 100.0
MAX_TERMINATORS = 16
"""as many as there are digits"""

_TERMINATORS = re.compile(rf"[0-9A-D*#]{{0,{MAX_TERMINATORS}}}")


def parse_record_call(
    body: Mapping[str, object], *, policy: UrlPolicy = STRICT
) -> tuple[str | None, RecordOptions]:
    """Return the control id (None: not given) and the options of a `record_call` body.

    Raises InvalidRequest with the key in its message, code `unknown_property`, `wrong_type`,
    `out_of_range` or `unresolved_variable`, and UrlRefused for a `status_url`.
    """
    request_fields.verify_known("record_call", body, _PROPERTIES)
    return request_fields.control_id(body), RecordOptions(
        stereo=given(body, "stereo", request_fields.boolean, False),
        format=given(body, "format", _format, Format.WAV),
        direction=given(body, "direction", _direction, Direction.BOTH),
        terminators=given(body, "terminators", _terminators, ""),
        beep=given(body, "beep", request_fields.boolean, False),
        input_sensitivity=given(body, "input_sensitivity", _sensitivity, 44.0),
        initial_timeout_s=given(body, "initial_timeout", _seconds, 0.0),
        end_silence_timeout_s=given(body, "end_silence_timeout", _seconds, 0.0),
        max_length_s=given(body, "max_length", _seconds, 0.0),
        status_url=request_fields.status_url(body, policy),
    )


def to_json(options: RecordOptions) -> dict[str, object]:
    """Return the options under SWML's names, as `parse_record_call` reads them.

    A `status_url` that isn't set is left out: it has no empty form in SWML.
    """
    body: dict[str, object] = {
        "stereo": options.stereo,
        "format": str(options.format),
        "direction": str(options.direction),
        "terminators": options.terminators,
        "beep": options.beep,
        "input_sensitivity": options.input_sensitivity,
        "initial_timeout": options.initial_timeout_s,
        "end_silence_timeout": options.end_silence_timeout_s,
        "max_length": options.max_length_s,
    }
    if options.status_url:
        body["status_url"] = options.status_url
    return body


_PROPERTIES = frozenset({"control_id", "status_url", *to_json(RecordOptions())})


def _seconds(key: str, value: object) -> float:
    return request_fields.number(key, value, MAX_SECONDS)


def _sensitivity(key: str, value: object) -> float:
    return request_fields.number(key, value, MAX_SENSITIVITY)


def _format(key: str, value: object) -> Format:
    return request_fields.word(key, value, Format)


def _direction(key: str, value: object) -> Direction:
    return request_fields.word(key, value, Direction)


def _terminators(key: str, value: object) -> str:
    fact = f"at most {MAX_TERMINATORS} of 0-9, *, #, A-D"
    return request_fields.matching(key, value, _TERMINATORS, fact)
