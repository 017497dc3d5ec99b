"""Tells what journal objects and segments hold, by the code of the tree that it runs in.

On standard input `{key: body as hex}`, on standard output heads and records, without payloads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.capture import container


def contents(objects: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what objects hold, by their keys."""
    return {key: _content(container.decode(body, key)) for key, body in objects.items()}


def _content(read: container.Container) -> dict[str, Any]:
    return {
        "kind": str(read.kind),
        "worker": read.worker,
        "journal_through": read.journal_through,
        "heads": [_fields(head) for head in read.heads],
        "records": [_fields(record) for record in read.records],
    }


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    """Return a struct's fields by name, as JSON has them; of a payload its length."""
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    if "payload" in fields:
        fields["payload_bytes"] = len(fields.pop("payload"))
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(fields))
    return plain


if __name__ == "__main__":
    given = {key: bytes.fromhex(body) for key, body in json.load(sys.stdin).items()}
    json.dump(contents(given), sys.stdout)
