"""Tells what rows on standard input mean, by the code of the tree that it runs in."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from chalicelib.adapters.dynamodb.row_codec import from_row, unmarshal
from chalicelib.ports import values
from chalicelib.recording import carrier_reports, commands, model, outbox, rtp_endpoint
from chalicelib.tapping import model as tapping

KINDS = (
    ("REC#", "RECORD", model.Recording),
    ("REC#", "EVENT#", outbox.RecordingEvent),
    ("REC#", "OUTBOX#", outbox.OutboxRow),
    ("CALL#", "CALL", model.Call),
    ("CALL#", "STREAM#", model.Stream),
    ("CALL#", "STREAM-SAID#", carrier_reports.CarrierReport),
    ("CALL#", "TAP#", tapping.Tap),
    ("ACCOUNT#", "PROFILE#", model.Profile),
    ("KEY#", "KEY", values.ApiKey),
    ("LEASES", "", values.Lease),
    ("MAILBOX#", "", commands.Command),
    ("RTP#", "", rtp_endpoint.PortClaim),
)
NAMES = {"CarrierReport": "Announcement"}
"""what the fixtures call a class that was renamed since"""


def meaning(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a row's dataclass and all its fields; None for a row that is read in no such way."""
    for pk, sk, kind in KINDS:
        is_whole = sk and not sk.endswith("#")
        if row["pk"].startswith(pk) and (row["sk"] == sk if is_whole else row["sk"].startswith(sk)):
            return {"kind": name_of(kind), "value": plain(from_row(dict(row), kind))}
    return None


def name_of(kind: type) -> str:
    """Return a class's name as the fixtures have it."""
    return NAMES.get(kind.__name__, kind.__name__)


def plain(value: Any) -> Any:
    """Return a value as JSON has it, defaults and all."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        plains = [plain(one) for one in value]
        return sorted(plains) if isinstance(value, frozenset | set) else plains
    if dataclasses.is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return value


def meanings(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what rows mean, by their keys."""
    rows = [unmarshal(item) for item in items]
    return {f"{row['pk']} {row['sk']}": meaning(row) for row in rows}


if __name__ == "__main__":
    json.dump(meanings(json.load(sys.stdin)), sys.stdout)
