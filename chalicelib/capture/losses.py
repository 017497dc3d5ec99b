"""The records that report received media as lost."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chalicelib.capture.events import Track
from chalicelib.capture.records import Record


def told_as_lost(records: Iterable[Record]) -> list[Record]:
    """Return one record without payload for each track and source: from its first lost sample to
    its last. Assembly shows a gap there, `not_stored`, at the end of a recording too."""
    lost: dict[tuple[str, Track, int], Record] = {}
    for record in records:
        key = record.stream_key, record.track, record.source
        before = lost.get(key)
        lost[key] = _joined(before, record) if before else _without_payload(record)
    return list(lost.values())


def _without_payload(record: Record) -> Record:
    return msgspec.structs.replace(record, payload=b"")


def _joined(before: Record, record: Record) -> Record:
    first = min(before.first_sample, record.first_sample)
    end = max(before.first_sample + before.samples, record.first_sample + record.samples)
    return msgspec.structs.replace(
        before,
        first_sample=first,
        samples=end - first,
        least_lateness_us=min(before.least_lateness_us, record.least_lateness_us),
        last_sequence=record.last_sequence,
        messages=before.messages + record.messages,
    )
