"""Carriers' webhooks and what they say of streams: rows of the Core table, kept 30 days."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.adapters.dynamodb import layout
from chalicelib.adapters.dynamodb.calls import call_row
from chalicelib.adapters.dynamodb.recordings import new_recording
from chalicelib.adapters.dynamodb.row_codec import Row, from_row, to_row
from chalicelib.adapters.dynamodb.table import NEW, Part, Table, Where
from chalicelib.errors import PreconditionFailed
from chalicelib.ports.values import InboundEvent, NewRecording
from chalicelib.recording.carrier_reports import CarrierReport
from chalicelib.recording.model import Call, CallRef

_TRIES = 3
"""A call and a recording may each turn out to exist; a third try drops nothing more."""


class DynamoInbox:
    """Implements the port Inbox."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def carrier_reports(self, call_key: str) -> list[CarrierReport]:
        """Read a call's, consistently."""
        first = layout.SAID_PREFIX
        rows = self._table.query(layout.call_pk(call_key), first, first + layout.END)
        return [from_row(row, CarrierReport) for row in rows]

    def accept(
        self,
        event: InboundEvent,
        call: Call | None,
        report: CarrierReport | None,
        requested: NewRecording | None,
    ) -> bool:
        """Write an event with what it says. It races with its own retry, with the stream that it
        tells of, with other webhooks of that stream, and with other requests for the recording."""
        for _ in range(_TRIES):
            parts = [self._table.putting(_event_row(event), NEW)]
            if report is not None:
                parts.append(self._report_row(report, event.received_at))
            parts += self._wanted(call, requested)
            try:
                self._table.write(parts)
            except PreconditionFailed:
                if self._is_known(event):
                    return False
                # Whatever else exists is left as it is; where nothing more can be left out, the
                # report changed, and that is the caller's to read again.
                left = self._left(call, requested)
                if left == (call, requested):
                    raise
                call, requested = left
            else:
                return True
        raise PreconditionFailed(f"event {event.event_key}: its call changed {_TRIES} times")

    def events(self, call_key: str) -> list[InboundEvent]:
        """Read what carriers said of a call, in order of occurrence."""
        first = layout.WEBHOOK_PREFIX
        rows = self._table.query(layout.call_pk(call_key), first, first + layout.END)
        found = [from_row(_unpacked(row), InboundEvent) for row in rows]
        return sorted(found, key=lambda one: (one.occurred_at or one.received_at, one.event_key))

    def _wanted(self, call: Call | None, requested: NewRecording | None) -> list[Part]:
        parts = [] if call is None else [self._table.putting(call_row(call), NEW)]
        if requested is not None:
            created = replace(requested.recording, version=1)
            parts += new_recording(self._table, created, requested.event, None)
        return parts

    def _report_row(self, report: CarrierReport, at: datetime) -> Part:
        version = report.version
        same = Where(text="#version = :version", values={"version": version})
        row = {
            "pk": layout.call_pk(report.call.key),
            "sk": layout.SAID_PREFIX + report.carrier_stream_id,
        }
        row |= to_row(report) | {"version": version + 1, "expires_at": _expiry(at)}
        return self._table.putting(row, same if version else NEW)

    def _is_known(self, event: InboundEvent) -> bool:
        return self._table.get(*_event_key(event)) is not None

    def _left(
        self, call: Call | None, requested: NewRecording | None
    ) -> tuple[Call | None, NewRecording | None]:
        """Return the parts that don't exist yet."""
        if call and self._table.get(layout.call_pk(call.ref.key), layout.CALL):
            call = None
        if requested:
            pk = layout.recording_pk(requested.recording.recording_id)
            requested = None if self._table.get(pk, layout.RECORD) else requested
        return call, requested


def _event_key(event: InboundEvent) -> tuple[str, str]:
    if not event.call_id:
        return f"{layout.WEBHOOK_PREFIX}{event.account}#{event.event_key}", layout.WEBHOOK
    ref = CallRef(account=event.account, carrier=event.carrier, call_id=event.call_id)
    return layout.call_pk(ref.key), layout.WEBHOOK_PREFIX + event.event_key


def _event_row(event: InboundEvent) -> Row:
    pk, sk = _event_key(event)
    row: Row = {"pk": pk, "sk": sk} | to_row(event) | {"expires_at": _expiry(event.received_at)}
    # With a carrier's body as it is the row is just above a kilobyte: two write units more.
    del row["body"]
    return row | {"packed": zlib.compress(event.body.encode(), 9)}


def _unpacked(row: Row) -> Row:
    packed = row.get("packed")
    return row if packed is None else row | {"body": zlib.decompress(packed).decode()}


def _expiry(at: datetime) -> int:
    return int((at + timedelta(days=layout.WEBHOOK_DAYS)).timestamp())
