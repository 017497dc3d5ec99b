"""Sends requests to carriers' REST APIs; each carrier's `call_api.py` writes and reads them."""

from __future__ import annotations

from chalicelib.adapters.http.exchange import MAX_READ
from chalicelib.adapters.http.sender import GuardedSender
from chalicelib.carriers import registry
from chalicelib.carriers.contract.call_api import (
    ApiDialect,
    ApiRequest,
    CarrierCall,
    Standing,
    TapAgain,
)
from chalicelib.errors import Conflict, Forbidden, NotFound, Unavailable, UrlRefused
from chalicelib.ports.values import CarrierDoor, HttpReply, SendFault
from chalicelib.security.url_guard import Purpose, UrlPolicy

DEADLINE_S = 5.0
"""of one request: a call without its tap waits"""
_REFUSALS = frozenset({SendFault.URL, SendFault.ADDRESS})
_PASSING = frozenset({408, 425, 429})


class RestCarrierApi:
    """Implements the port CarrierApi. It follows no redirect: no other host gets credentials."""

    def __init__(self, policy: UrlPolicy) -> None:
        self._sender = GuardedSender(
            policy, purpose=Purpose.CARRIER_RECORDING, deadline_s=DEADLINE_S, kept=MAX_READ
        )

    def tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Begin a tap. Raises Conflict, NotFound, UrlRefused, Forbidden, Unavailable."""
        row = _row(door)
        if row.tap is None:
            raise Conflict(f"{door.carrier} can't be asked for a stream", code="cant_tap")
        self._ask(door, row.tap(wanted))

    def standing(self, door: CarrierDoor, call: CarrierCall) -> Standing:
        """Return whether a call goes on. Raises UrlRefused, Forbidden, Unavailable."""
        row = _row(door)
        try:
            return row.read_standing(self._ask(door, row.standing(call)))
        except NotFound:
            return Standing.UNKNOWN

    def _ask(self, door: CarrierDoor, request: ApiRequest) -> bytes:
        headers = {"Authorization": door.authorization, "Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        reply = self._sender.send(request.method, door.url + request.path, request.body, headers)
        _verify(reply)
        return reply.body_head


def _row(door: CarrierDoor) -> ApiDialect:
    found = registry.carrier(door.carrier).call_api if door.carrier in registry.ROWS else None
    if found is None:
        raise Conflict(f"{door.carrier} has no API that can be asked", code="cant_tap")
    return found


def _verify(reply: HttpReply) -> None:
    """Raise what an answer other than a good one means; its words aren't ours to tell."""
    if reply.status is None:
        if reply.fault in _REFUSALS:
            raise UrlRefused(reply.detail)
        raise Unavailable(f"{reply.fault}: {reply.detail}")
    if 200 <= reply.status < 300:
        return
    fact = f"HTTP {reply.status}"
    if reply.status in (404, 410):
        raise NotFound(fact)
    if 400 <= reply.status < 500 and reply.status not in _PASSING:
        raise Forbidden(fact)
    raise Unavailable(fact)
