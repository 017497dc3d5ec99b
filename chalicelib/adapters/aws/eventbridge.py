"""Status callbacks as events on a bus."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.adapters import botocore_errors
from chalicelib.errors import Unavailable
from chalicelib.recording.outbox import OutboxRow

SOURCE = "tapedeck"


class EventBridge:
    """Implements the port EventBus; without a bus it publishes nothing."""

    def __init__(self, client: Any, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, row: OutboxRow) -> None:
        """Put the callback's body on the bus. Raises Unavailable."""
        if not self._bus:
            return
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": json.loads(row.body)["event_type"],
            "Detail": row.body,
            "Resources": [row.recording_id],
            "Time": row.created_at,
        }
        with botocore_errors.translated("put event"):
            answer = self._client.put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise Unavailable(f"put event: {answer['Entries'][0].get('ErrorCode')}")
