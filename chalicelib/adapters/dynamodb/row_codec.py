"""Domain values as DynamoDB rows, and back.

A value is stored field by field under its own names; one that equals its default isn't stored.
A persisted format: a field that changes needs a migration.

By hand: boto3's TypeSerializer turns numbers into Decimals; the fields are dataclasses of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import msgspec

from chalicelib.errors import NewerForm

T = TypeVar("T")

_SMALLEST = 1e-130
"""the positive number next to 0 that DynamoDB takes; it fails for a smaller one"""

Row = dict[str, Any]
"""plain values by attribute name: str, int, float, bool, None, bytes, list, dict"""


def to_row(value: object) -> Row:
    """Return a dataclass value as plain values; datetimes as ISO texts."""
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is no dataclass")
    return {
        f.name: _plain(getattr(value, f.name))
        for f in fields(value)
        if not _is_default(f, getattr(value, f.name))
    }


def from_row(row: Row, kind: type[T]) -> T:
    """Return the value that a row holds; other attributes (keys of indexes) are left out.

    Raises NewerForm for a row that holds none, as newer code may have written it: a reader of many
    goes on with the next.
    """
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        fact = f"row {row.get('pk')} {row.get('sk')} is no {kind.__name__}: {error}"
        raise NewerForm(fact, code="bad_row") from error


def sortable(at: datetime) -> str:
    """Return a time as a text that sorts: UTC, microseconds, four digits of the year."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def month(at: datetime) -> str:
    """Return the month of a time, as it begins `sortable`."""
    return sortable(at)[:7]


def marshal(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain values as DynamoDB's typed attributes."""
    return {name: _typed(value) for name, value in row.items()}


def unmarshal(attributes: Mapping[str, Any]) -> Row:
    """Return DynamoDB's typed attributes as plain values."""
    return {name: _untyped(value) for name, value in attributes.items()}


def _is_default(of: Field[Any], value: object) -> bool:
    if of.default is not MISSING:
        return bool(value == of.default)
    return of.default_factory is not MISSING and value == of.default_factory()


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return sortable(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return to_row(value) if is_dataclass(value) else value


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool | bytes):
        return {"BOOL" if isinstance(value, bool) else "B": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float):
        return {"N": repr(_storable(value))}
    if isinstance(value, Mapping):
        return {"M": marshal(value)}
    return {"L": [_typed(one) for one in value]}


def _storable(number: int | float) -> int | float:
    """Return a number, or the smallest that can be stored in the place of one that is smaller: 0
    would be another thing, as it switches limits off."""
    return _SMALLEST if 0 < number < _SMALLEST else number


def _untyped(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "NULL":
        return None
    if kind == "N":
        return _number(value)
    if kind == "M":
        return unmarshal(value)
    return [_untyped(one) for one in value] if kind == "L" else value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
