"""A webhook's body as a document: JSON in, typed wire structs out, each refusal names its field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec

from chalicelib.carriers.contract.stream import CARRIER_ID_PATTERN
from chalicelib.errors import InvalidRequest

T = TypeVar("T")

CarrierId = Annotated[str, msgspec.Meta(pattern=rf"^{CARRIER_ID_PATTERN}\Z")]
ControlId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]

REDACTED = "[redacted]"

_REDACTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(://)[^/?#@\s]*@"), rf"\1{REDACTED}@"),
    (re.compile(r"(\b(?:ws|http)s?://[^?\s]{0,1024}\?)\S+", re.IGNORECASE), rf"\1{REDACTED}"),
    (
        re.compile(r"(wss?://[^/?#\s]+(?:/g\d+)?/[^/?#\s]+/)[^/?#\s]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"[A-Za-z0-9_-]{64,}"), REDACTED),
)
"""Credentials in a URL · queries of URLs, which may open a recording · the second part of a
websocket's path, where the token is · whatever is as long as a token (the shortest has 80
characters, the longest known id of a carrier 51)."""

_MISSING = re.compile(r"missing required field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<path>[^`]*)`)?")
_WRONG = re.compile(r"(?P<fact>.*?) - at `\$\.?(?P<path>[^`]*)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBody:
    """A body that is a JSON object."""

    values: dict[str, Any]
    stored: str
    """the same, redacted, as compact JSON text"""

    def convert(self, wanted: type[T]) -> T:
        """Return it as a wire struct; `"12"` passes for 12. Raises InvalidRequest for a field."""
        try:
            return msgspec.convert(self.values, wanted, strict=False)
        except msgspec.ValidationError as error:
            raise _refusal(str(error)) from error

    def text(self, field: str) -> str:
        """Return a field that must be text. Raises InvalidRequest."""
        if field not in self.values:
            raise missing_field(field)
        value = self.values[field]
        if not isinstance(value, str):
            raise InvalidRequest(f"{field}: not a string", code="wrong_type")
        return value


def parse(body: bytes) -> JsonBody:
    """Return what a raw body holds. Raises InvalidRequest `not_json`; `wrong_type`: no object."""
    try:
        values = msgspec.json.decode(body)
        stored = json.dumps(redact(values), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"body: not JSON: {str(error)[:120]}", code="not_json") from error
    if not isinstance(values, dict):
        raise InvalidRequest("body: not a JSON object", code="wrong_type")
    return JsonBody(values=values, stored=stored)


def redact(value: Any) -> Any:
    """Return a JSON value without what would let its reader stream, post or fetch."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redact(element) for element in value]
    if isinstance(value, dict):
        return {redact_text(name): redact(element) for name, element in value.items()}
    return value


def redact_text(text: str) -> str:
    """Return a text without tokens, credentials and queries of URLs."""
    for pattern, replacement in _REDACTIONS:
        text = pattern.sub(replacement, text)
    return text


def missing_field(field: str) -> InvalidRequest:
    """Return the refusal of a body that lacks a field."""
    return InvalidRequest(f"{field}: missing", code="missing_field")


def iso_time(text: str | None) -> datetime | None:
    """Return an ISO 8601 time, in UTC where it names no zone; None for what isn't one.

    Carriers' own examples are malformed; a time that can't be read is no reason to lose an event.
    """
    if text is None:
        return None
    return _tolerant(lambda: _in_utc(datetime.fromisoformat(text)))


def unix_time(seconds: float | None) -> datetime | None:
    """Return a Unix time; None for none and for one beyond the calendar."""
    if seconds is None:
        return None
    return _tolerant(lambda: datetime.fromtimestamp(seconds, UTC))


def iso_duration_s(text: str | None) -> float | None:
    """Return an ISO 8601 duration of days and smaller units in seconds; None for what isn't one."""
    if text is None:
        return None
    return _tolerant(lambda: msgspec.convert(text, timedelta).total_seconds())


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _tolerant(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (ValueError, OverflowError, OSError):
        return None


def _refusal(sentence: str) -> InvalidRequest:
    missing = _MISSING.search(sentence)
    if missing:
        return missing_field(".".join(filter(None, (missing["path"], missing["field"]))))
    wrong = _WRONG.match(sentence)
    if wrong is None:
        return InvalidRequest(f"body: {sentence[:120]}", code="wrong_type")
    return InvalidRequest(f"{wrong['path']}: {wrong['fact'][:120]}", code="wrong_type")
