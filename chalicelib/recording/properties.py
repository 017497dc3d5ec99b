"""How the properties of a SWML method are read: strictly, each refusal naming its key.

What is common to `record_call` and `tap`. Every function takes a key for its message and the value
that was given; it raises InvalidRequest, code `wrong_type` or `out_of_range`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from chalicelib.errors import InvalidRequest
from chalicelib.url_guard import Purpose, UrlPolicy, parse_url

MAX_CONTROL_ID_LENGTH = 128

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
    """Return true or false; no other value stands for them."""
    if not isinstance(value, bool):
        raise wrong_type(key, "true or false")
    return value


def text(key: str, value: object) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise wrong_type(key, "a string")
    return value


def number(key: str, value: object, maximum: float) -> float:
    """Return a number from 0 to `maximum`; JSON's true isn't one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(key, "a number")
    if not 0 <= value <= maximum:
        raise out_of_range(key, f"from 0 to {maximum:g}")
    return float(value)


def whole_number(key: str, value: object) -> int:
    """Return an integer; as in JSON Schema, 20.0 is one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(key, "a whole number")
    return value


def word(key: str, value: object, words: type[_Word]) -> _Word:
    """Return one of an enumeration's words, written exactly as there."""
    written = text(key, value)
    for one in words:
        if one == written:
            return one
    raise out_of_range(key, "one of " + ", ".join(words))


def matching(key: str, value: object, pattern: re.Pattern[str], fact: str) -> str:
    """Return a string of a pattern; `fact` says what it must be."""
    written = text(key, value)
    if pattern.fullmatch(written) is None:
        raise out_of_range(key, fact)
    return written


def wrong_type(key: str, wanted: str) -> InvalidRequest:
    """Return the refusal of a value of another type."""
    return InvalidRequest(f"{key} must be {wanted}", code="wrong_type", key=key)


def out_of_range(key: str, wanted: str) -> InvalidRequest:
    """Return the refusal of a value that the property doesn't take."""
    return InvalidRequest(f"{key} must be {wanted}", code="out_of_range", key=key)
