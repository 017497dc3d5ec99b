"""record_call's properties: SWML's names, types, defaults and ranges, read strictly.

Source: SignalWire's SWML schema, `RecordCall`. Where it names no bound, ours stands below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from chalicelib.errors import InvalidRequest
from chalicelib.recording.model import Direction, Format, RecordOptions
from chalicelib.url_guard import STRICT, Purpose, UrlPolicy, parse_url

MAX_CONTROL_ID_LENGTH = 128
MAX_SECONDS = 43_200.0
"""12 h: no stream may last longer"""
MAX_SENSITIVITY = 100.0
MAX_TERMINATORS = 16
"""as many as there are digits"""

_VARIABLE = re.compile(r"[$%]\{.*\}", re.DOTALL)
_CONTROL_ID = re.compile(rf"[!-~](?:[ -~]{{0,{MAX_CONTROL_ID_LENGTH - 2}}}[!-~])?")
_TERMINATORS = re.compile(rf"[0-9A-D*#]{{0,{MAX_TERMINATORS}}}")

_Parsed = TypeVar("_Parsed")
_Word = TypeVar("_Word", bound=StrEnum)


def parse_record_call(
    body: Mapping[str, object], *, policy: UrlPolicy = STRICT
) -> tuple[str | None, RecordOptions]:
    """Return the control id (None: not given) and the options of a `record_call` body.

    Raises InvalidRequest with the key in its message, code `unknown_property`, `wrong_type`,
    `out_of_range` or `unresolved_variable`, and UrlRefused for a `status_url`.
    """
    for key, given in body.items():
        if key not in _PROPERTIES:
            raise InvalidRequest(f"record_call has no property {key!r}", code="unknown_property")
        if isinstance(given, str) and _VARIABLE.search(given):
            raise InvalidRequest(f"{key} holds an SWML variable", code="unresolved_variable")
    control_id = _control_id("control_id", body["control_id"]) if "control_id" in body else None
    return control_id, RecordOptions(
        stereo=_given(body, "stereo", _boolean, False),
        format=_given(body, "format", _format, Format.WAV),
        direction=_given(body, "direction", _direction, Direction.BOTH),
        terminators=_given(body, "terminators", _terminators, ""),
        beep=_given(body, "beep", _boolean, False),
        input_sensitivity=_given(body, "input_sensitivity", _sensitivity, 44.0),
        initial_timeout_s=_given(body, "initial_timeout", _seconds, 0.0),
        end_silence_timeout_s=_given(body, "end_silence_timeout", _seconds, 0.0),
        max_length_s=_given(body, "max_length", _seconds, 0.0),
        status_url=_status_url(body, policy),
    )


def to_json(options: RecordOptions) -> dict[str, object]:
    """Return the options under SWML's names, as `parse_record_call` reads them.

    A `status_url` that isn't set is left out: it has no empty form in SWML.
    """
    properties: dict[str, object] = {
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
        properties["status_url"] = options.status_url
    return properties


_PROPERTIES = frozenset({"control_id", "status_url", *to_json(RecordOptions())})


def _given(
    body: Mapping[str, object],
    key: str,
    parse: Callable[[str, object], _Parsed],
    default: _Parsed,
) -> _Parsed:
    return parse(key, body[key]) if key in body else default


def _status_url(body: Mapping[str, object], policy: UrlPolicy) -> str:
    if "status_url" not in body:
        return ""
    url = _text("status_url", body["status_url"])
    parse_url(url, policy, Purpose.STATUS_URL)
    return url


def _boolean(key: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise _wrong_type(key, "true or false")
    return given


def _text(key: str, given: object) -> str:
    if not isinstance(given, str):
        raise _wrong_type(key, "a string")
    return given


def _number(key: str, given: object, maximum: float) -> float:
    """Return a number from 0 to `maximum`; JSON's true isn't one."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _wrong_type(key, "a number")
    if not 0 <= given <= maximum:
        raise _out_of_range(key, f"from 0 to {maximum:g}")
    return float(given)


def _seconds(key: str, given: object) -> float:
    return _number(key, given, MAX_SECONDS)


def _sensitivity(key: str, given: object) -> float:
    return _number(key, given, MAX_SENSITIVITY)


def _format(key: str, given: object) -> Format:
    return _word(key, given, Format)


def _direction(key: str, given: object) -> Direction:
    return _word(key, given, Direction)


def _word(key: str, given: object, words: type[_Word]) -> _Word:
    text = _text(key, given)
    for word in words:
        if word == text:
            return word
    raise _out_of_range(key, "one of " + ", ".join(words))


def _terminators(key: str, given: object) -> str:
    return _matching(key, given, _TERMINATORS, f"at most {MAX_TERMINATORS} of 0-9, *, #, A-D")


def _control_id(key: str, given: object) -> str:
    fact = f"1 to {MAX_CONTROL_ID_LENGTH} printable ASCII characters, no space at an end"
    return _matching(key, given, _CONTROL_ID, fact)


def _matching(key: str, given: object, pattern: re.Pattern[str], fact: str) -> str:
    text = _text(key, given)
    if pattern.fullmatch(text) is None:
        raise _out_of_range(key, fact)
    return text


def _wrong_type(key: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"{key} must be {wanted}", code="wrong_type")


def _out_of_range(key: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"{key} must be {wanted}", code="out_of_range")
