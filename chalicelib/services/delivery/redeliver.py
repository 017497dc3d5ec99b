"""Delivers a status callback again: a new round under the same webhook id.

A request implies that the receiver works again, so a receiver that was stopped is tried again, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.errors import NotFound
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Outbox, Receivers, RecordingHistory
from chalicelib.ports.values import Requester
from chalicelib.recording import request_fields
from chalicelib.recording.outbox import OutboxRow, RecordingEvent


def parse_redelivery(body: Mapping[str, object]) -> str:
    """Return the webhook id in a body; empty for the latest one. Raises InvalidRequest."""
    request_fields.verify_known("redeliver", body, {"webhook_id"})
    return request_fields.given(body, "webhook_id", request_fields.text, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeliverer:
    """Delivers a callback again when a customer asks for it."""

    outbox: Outbox
    history: RecordingHistory
    receivers: Receivers
    workflows: Workflows
    now: Callable[[], datetime]

    def redeliver(self, recording_id: str, webhook_id: str, requester: Requester) -> OutboxRow:
        """Begin a new round of one callback, or of the latest if no id is given, and start its
        delivery.

        Raises NotFound, PreconditionFailed where another round began meanwhile.
        """
        row, at = self._row(recording_id, webhook_id), self.now()
        self.receivers.forget(row.account, row.url)
        # From the schedule's beginning: no attempt of this round is a retry that a later state's
        # callback could supersede.
        begun = self.outbox.begin_round(replace(row, attempts=0, last_error="", next_at=at))
        self.history.append(_requested(begun, requester, at))
        self.workflows.start_delivery(recording_id, begun.webhook_id, begun.round)
        return begun

    def _row(self, recording_id: str, webhook_id: str) -> OutboxRow:
        if webhook_id:
            return self.outbox.get(recording_id, webhook_id)
        rows = self.outbox.rows(recording_id)
        if not rows:
            raise NotFound("the recording owes no callback", code="no_callback")
        return rows[-1]


def _requested(row: OutboxRow, requester: Requester, at: datetime) -> RecordingEvent:
    return RecordingEvent(
        recording_id=row.recording_id,
        at=at,
        event="redelivery_requested",
        detail={"webhook_id": row.webhook_id, "round": row.round, **requester.facts},
    )
