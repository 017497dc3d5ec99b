"""The Lambda functions that Step Functions and the scheduler start."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from chalice.app import Blueprint

from chalicelib import wiring
from chalicelib.api.requests import now
from chalicelib.errors import DeliveryPostponed

# ruff: noqa: PLC0415  # every function loads this file; what one of them needs, only that one loads

functions = Blueprint(__name__)


@functions.lambda_function(name="attempt")
def attempt(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Make one attempt to deliver a status callback. Raises DeliveryPostponed: wait, then again."""
    from chalicelib.services import deliver

    ports = wiring.ports()
    outcome = deliver.attempt(
        event["recording_id"],
        event["webhook_id"],
        outbox=ports.outbox,
        history=ports.history,
        sender=ports.sender,
        bus=ports.event_bus,
        secrets=ports.webhook_secrets(),
        now=now,
        jitter=random.random(),  # noqa: S311  # spreads retries, hides nothing
        wait_scale=ports.settings.wait_scale,
    )
    if isinstance(outcome, deliver.Postponed):
        raise DeliveryPostponed(json.dumps({"wait_seconds": math.ceil(outcome.wait_seconds)}))
    return {"given_up": outcome.reason if isinstance(outcome, deliver.GivenUp) else ""}
