"""Sending a status callback again: the same for recordings and taps."""

from __future__ import annotations

from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.api.requests import json_object
from chalicelib.ports.values import Requester
from chalicelib.services.delivery.redeliver import parse_redelivery


def redelivered(owner_id: str, asker: Requester, request: Request) -> Response:
    """Begin a round of one of an owner's callbacks: a recording's or, by its tap id, a tap's."""
    webhook_id = parse_redelivery(json_object(request))
    row = wiring.ports().redeliverer.redeliver(owner_id, webhook_id, asker)
    return Response(body={"webhook_id": row.webhook_id, "round": row.round}, status_code=202)
