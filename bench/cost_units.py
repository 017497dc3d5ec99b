"""DynamoDB's request units by AWS's rules, from the bytes of the items themselves.

A write is 1 unit per KB of the item, before or after it, whichever is larger; in a transaction 2.
A change of an index's keys is a unit for the entry that goes and one for the one that comes. A
consistent read is 1 unit per 4 KB, another one half of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""attributes as DynamoDB types them"""

_WRITE_BYTES, _READ_BYTES = 1024, 4096


def size_of(item: Item) -> int:
    """Return an item's bytes as AWS counts them: its names and its values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(before: Item | None, after: Item | None, *, in_transaction: bool) -> int:
    """Return what writing an item costs its table; None: there is none."""
    largest = max(size_of(before or {}), size_of(after or {}), 1)
    return -(-largest // _WRITE_BYTES) * (2 if in_transaction else 1)


def index_units(keys: Sequence[str], before: Item | None, after: Item | None) -> int:
    """Return what a write costs an index that holds nothing but keys: `keys` are its own."""
    old, new = _entry(keys, before), _entry(keys, after)
    return 0 if old == new else (old is not None) + (new is not None)


def read_units(item_bytes: int, *, is_consistent: bool) -> float:
    """Return what one read of so many bytes costs; one that finds nothing costs as much as 4 KB."""
    units = max(1, -(-item_bytes // _READ_BYTES))
    return units if is_consistent else units / 2


def _entry(keys: Sequence[str], item: Item | None) -> tuple[str, ...] | None:
    if item is None or any(key not in item for key in keys):
        return None
    return tuple(item[key]["S"] for key in keys)


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "B":
            return len(held) if isinstance(held, bytes) else len(held) * 3 // 4  # base64
        case "N":
            return len(held.lstrip("-").replace(".", "")) // 2 + 2
        case "M":
            return 3 + len(held) + size_of(held)
        case "L":
            return 3 + len(held) + sum(map(_value_size, held))
        case _:
            return 1  # NULL, BOOL: we store no others
