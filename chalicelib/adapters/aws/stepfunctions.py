"""Finalization, Delivery and questions to carriers as executions under derived names."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.adapters import botocore_errors
from chalicelib.errors import NotFound
from chalicelib.recording import keys
from chalicelib.recording.model import CallRef

_STARTED_ALREADY = frozenset({"ExecutionAlreadyExists"})


class StepFunctions:
    """Implements the port Workflows; names tell executions apart, so a second start is refused."""

    def __init__(
        self, client: Any, finalization_arn: str, delivery_arn: str, carrier_arn: str
    ) -> None:
        self._client = client
        self._finalization_arn = finalization_arn
        self._delivery_arn = delivery_arn
        self._carrier_arn = carrier_arn

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Assemble, then publish. Raises Unavailable."""
        name = keys.finalization_name(recording_id, attempt)
        self._start(self._finalization_arn, name, recording_id=recording_id, attempt=attempt)

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Deliver one status callback. Raises Unavailable."""
        name = keys.delivery_name(webhook_id, round_)
        self._start(
            self._delivery_arn, name, recording_id=recording_id, webhook_id=webhook_id, round=round_
        )

    def start_retaps(self, worker: str, renewals: int) -> None:
        """Let carriers tap again what a silent worker held. Raises Unavailable."""
        name = keys.retaps_name(worker, renewals)
        self._start(self._carrier_arn, name, worker=worker, renewals=renewals)

    def start_inquiry(self, call: CallRef, stream_key: str, *, worker: str, number: int) -> None:
        """Start asking a carrier whether a call goes on. Raises Unavailable."""
        name = keys.inquiry_name(stream_key, number)
        self._start(
            self._carrier_arn, name, call_key=call.key, stream_key=stream_key, worker=worker
        )

    def _start(self, arn: str, name: str, **state: str | int) -> None:
        try:
            with botocore_errors.translated("start execution", missing=_STARTED_ALREADY):
                self._client.start_execution(
                    stateMachineArn=arn, name=name, input=json.dumps(state)
                )
        except NotFound:
            return  # not missing at all: started before, and over since then or with other words
