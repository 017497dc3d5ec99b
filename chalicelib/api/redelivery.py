"""Sending a status callback again: the same for recordings and taps."""

from __future__ import annotations

from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.api.requests import json_object, now
from chalicelib.ports.values import Requester
from chalicelib.services.delivery.redeliver import parse_wanted, redeliver


def redelivered(owner_id: str, asker: Requester, request: Request) -> Response:
    """Begin a round of one of an owner's callbacks: a recording's or, by its tap id, a tap's."""
    ports = wiring.ports()
    row = redeliver(
        owner_id,
        parse_wanted(json_object(request)),
        asker,
        outbox=ports.outbox,
        history=ports.history,
        receivers=ports.receivers,
        workflows=ports.workflows,
        now=now(),
    )
    return Response(body={"webhook_id": row.webhook_id, "round": row.round}, status_code=202)
