"""Finalization and Delivery as Step Functions executions under derived names."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.adapters import faults
from chalicelib.errors import NotFound
from chalicelib.recording import naming

_STARTED_ALREADY = frozenset({"ExecutionAlreadyExists"})


class StepFunctions:
    """The port Workflows; a name says what runs, so a second start of it is refused there."""

    def __init__(self, client: Any, finalization_arn: str, delivery_arn: str) -> None:
        self._client = client
        self._finalization_arn = finalization_arn
        self._delivery_arn = delivery_arn

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Assemble, then publish. Raises Unavailable."""
        name = naming.finalization_name(recording_id, attempt)
        self._start(self._finalization_arn, name, recording_id=recording_id, attempt=attempt)

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Deliver one status callback. Raises Unavailable."""
        name = naming.delivery_name(webhook_id, round_)
        self._start(
            self._delivery_arn, name, recording_id=recording_id, webhook_id=webhook_id, round=round_
        )

    def _start(self, arn: str, name: str, **state: str | int) -> None:
        try:
            with faults.translated("start execution", missing=_STARTED_ALREADY):
                self._client.start_execution(
                    stateMachineArn=arn, name=name, input=json.dumps(state)
                )
        except NotFound:
            return  # not missing at all: started before, and over since then or with other words
