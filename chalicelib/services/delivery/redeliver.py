"""Deliver a status callback again: a new round under the same webhook id.

Who asks for one says that its receiver is well again: one that was stopped is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib.errors import NotFound
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Outbox, Receivers, RecordingHistory
from chalicelib.ports.values import Requester
from chalicelib.recording import request_fields
from chalicelib.recording.model import OutboxRow, RecordingEvent


def parse_wanted(body: Mapping[str, object]) -> str:
    """Return the webhook id that a body names; empty: the latest. Raises InvalidRequest."""
    request_fields.verify_known("redeliver", body, {"webhook_id"})
    return request_fields.given(body, "webhook_id", request_fields.text, "")


def redeliver(
    recording_id: str,
    webhook_id: str,
    asker: Requester,
    *,
    outbox: Outbox,
    history: RecordingHistory,
    receivers: Receivers,
    workflows: Workflows,
    now: datetime,
) -> OutboxRow:
    """Begin a round of one callback, the latest where none is named, and start its delivery.

    Raises NotFound, PreconditionFailed where another round began meanwhile.
    """
    row = _row(recording_id, webhook_id, outbox)
    receivers.forget(row.account, row.url)
    # From the schedule's beginning: no attempt of this round is a retry that news could supersede.
    begun = outbox.begin_round(replace(row, attempts=0, last_error="", next_at=now))
    history.append(_requested(begun, asker, now))
    workflows.start_delivery(recording_id, begun.webhook_id, begun.round)
    return begun


def _requested(row: OutboxRow, asker: Requester, at: datetime) -> RecordingEvent:
    return RecordingEvent(
        recording_id=row.recording_id,
        at=at,
        event="redelivery_requested",
        detail={"webhook_id": row.webhook_id, "round": row.round, **asker.facts},
    )


def _row(recording_id: str, webhook_id: str, outbox: Outbox) -> OutboxRow:
    if webhook_id:
        return outbox.get(recording_id, webhook_id)
    rows = outbox.rows(recording_id)
    if not rows:
        raise NotFound("the recording owes no callback", code="no_callback")
    return rows[-1]
