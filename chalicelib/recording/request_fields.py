"""Reads the properties of SWML methods: strictly, each refusal naming its key.

What is common to `record_call` and `tap`. Every function takes a key for its message and the value
that was given; it raises InvalidRequest, code `wrong_type` or `out_of_range`, and the message ends
with that value.

A boolean or a number may be given as its JSON text, `"true"` or `"300"`: SWML fills in variables as
text, and SignalWire reads them so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from chalicelib.errors import InvalidRequest
from chalicelib.security.url_guard import Purpose, UrlPolicy, parse_url

MAX_CONTROL_ID_LENGTH = 128

MAX_SHOWN = 40
"""characters of a refused value that a message repeats"""

_BOOLEANS = {"true": True, "false": False}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""as RFC 8259 has it"""
_VARIABLE = re.compile(r"[$%]\{.*\}", re.DOTALL)
_CONTROL_ID = re.compile(rf"[!-~](?:[ -~]{{0,{MAX_CONTROL_ID_LENGTH - 2}}}[!-~])?")

_Parsed = TypeVar("_Parsed")
_Word = TypeVar("_Word", bound=StrEnum)


def verify_known(method: str, body: Mapping[str, object], known: Collection[str]) -> None:
    """Raise InvalidRequest for a key that the method doesn't have, or a variable left in a value.

    Its code is `unknown_property` or `unresolved_variable`.
    """
    for key, given_value in body.items():
        if key not in known:
            fact = f"{method} has no property {key!r}"
            raise InvalidRequest(fact, code="unknown_property", key=str(key))
        if isinstance(given_value, str) and _VARIABLE.search(given_value):
            fact = f"{key} holds an SWML variable"
            raise InvalidRequest(fact, code="unresolved_variable", key=key)


def given(
    body: Mapping[str, object],
    key: str,
    parse: Callable[[str, object], _Parsed],
    default: _Parsed,
) -> _Parsed:
    """Return the parsed value of a key, or the default where it isn't there."""
    return parse(key, body[key]) if key in body else default


def control_id(body: Mapping[str, object]) -> str | None:
    """Return the `control_id`; None: not given."""
    if "control_id" not in body:
        return None
    fact = f"1 to {MAX_CONTROL_ID_LENGTH} printable ASCII characters, no space at an end"
    return matching("control_id", body["control_id"], _CONTROL_ID, fact)


def status_url(body: Mapping[str, object], policy: UrlPolicy) -> str:
    """Return the `status_url`; empty: not given. Raises UrlRefused."""
    if "status_url" not in body:
        return ""
    url = text("status_url", body["status_url"])
    parse_url(url, policy, Purpose.STATUS_URL)
    return url


def boolean(key: str, value: object) -> bool:
    """Return true or false, given as such or as text; no other value means either."""
    read = _BOOLEANS.get(value, value) if isinstance(value, str) else value
    if not isinstance(read, bool):
        raise wrong_type(key, "true or false", value)
    return read


def text(key: str, value: object) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise wrong_type(key, "a string", value)
    return value


def number(key: str, value: object, maximum: float) -> float:
    """Return a number from 0 to `maximum`, given as such or as text; JSON's true isn't one."""
    read = _read_number(value)
    if read is None:
        raise wrong_type(key, "a number", value)
    if not 0 <= read <= maximum:
        raise out_of_range(key, f"from 0 to {maximum:g}", value)
    return float(read)


def whole_number(key: str, value: object) -> int:
    """Return an integer, given as such or as text; as in JSON Schema, 20.0 is one."""
    read = _read_number(value)
    if isinstance(read, float) and read.is_integer():
        return int(read)
    if not isinstance(read, int):
        raise wrong_type(key, "a whole number", value)
    return read


def _read_number(value: object) -> float | int | None:
    """Return a number as it was given, or the one that a text is; None: it is neither."""
    if isinstance(value, str):
        # A float, whatever its digits: an int of more than 4,300 of them would be an error.
        return float(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def word(key: str, value: object, words: type[_Word]) -> _Word:
    """Return one of an enumeration's words, written exactly as there."""
    written = text(key, value)
    for one in words:
        if one == written:
            return one
    raise out_of_range(key, "one of " + ", ".join(words), value)


def matching(key: str, value: object, pattern: re.Pattern[str], fact: str) -> str:
    """Return a string of a pattern; `fact` says what it must be."""
    written = text(key, value)
    if pattern.fullmatch(written) is None:
        raise out_of_range(key, fact, value)
    return written


def wrong_type(key: str, wanted: str, value: object) -> InvalidRequest:
    """Return the refusal of a value of another type."""
    fact = f"{key} must be {wanted}, not {_shown(value)}"
    return InvalidRequest(fact, code="wrong_type", key=key)


def out_of_range(key: str, wanted: str, value: object) -> InvalidRequest:
    """Return the refusal of a value that the property doesn't take."""
    fact = f"{key} must be {wanted}, not {_shown(value)}"
    return InvalidRequest(fact, code="out_of_range", key=key)


def _shown(value: object) -> str:
    """Return a value as JSON, short enough for a message."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        return json.dumps(value[:MAX_SHOWN] + "…", ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)
