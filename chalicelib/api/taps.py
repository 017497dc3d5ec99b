"""`/v1/calls/{call_id}`: taps of a live call."""

from __future__ import annotations

from uuid import uuid4

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api.http import Routes, failed
from chalicelib.api.redelivery import redelivered
from chalicelib.api.requests import account_of, asker_of, json_object, query
from chalicelib.api.views import events_json
from chalicelib.errors import Conflict, NotFound
from chalicelib.services.calls import tap_commands
from chalicelib.services.calls.commands import CallName
from chalicelib.services.calls.queries import find_call
from chalicelib.tapping.model import Tap
from chalicelib.tapping.options import parse_tap

routes = Routes(__name__)


@routes.route("/v1/calls/{call_id}/tap", methods=["POST"])
def tap_call(call_id: str) -> Response:
    """Send a live call's audio to somebody else from now on."""
    name, ports = _name(account_of(routes.current_request), call_id), wiring.ports()
    body = json_object(routes.current_request)
    control_id, options = parse_tap(body, policy=ports.settings.url_policy)
    try:
        outcome = ports.methods.tap(name, control_id or str(uuid4()), options)
    except Conflict as conflict:
        return failed("tap", conflict)
    return Response(body=dict(outcome.variables), status_code=201 if outcome.is_done else 202)


@routes.route("/v1/calls/{call_id}/stop_tap", methods=["POST"])
def stop_tap(call_id: str) -> Response:
    """End a tap."""
    name = _name(account_of(routes.current_request), call_id)
    control_id = tap_commands.parse_stop(json_object(routes.current_request))
    try:
        outcome = wiring.ports().methods.stop_tap(name, control_id)
    except Conflict as conflict:
        return failed("stop_tap", conflict)
    return Response(body=dict(outcome.variables), status_code=200 if outcome.is_done else 202)


@routes.route("/v1/calls/{call_id}/tap/{control_id}/events", methods=["GET"])
def list_tap_events(call_id: str, control_id: str) -> Response:
    """Show what happened to a tap, in order."""
    tap = _found(_name(account_of(routes.current_request), call_id), control_id)
    return Response(body=events_json(wiring.ports().history.events(tap.tap_id)))


@routes.route("/v1/calls/{call_id}/tap/{control_id}/redeliver", methods=["POST"])
def redeliver_tap_callback(call_id: str, control_id: str) -> Response:
    """Send a tap's status callback again, under its own id."""
    asker = asker_of(routes.current_request)
    tap = _found(_name(asker.account, call_id), control_id)
    return redelivered(tap.tap_id, asker, routes.current_request)


def _found(name: CallName, control_id: str) -> Tap:
    ports = wiring.ports()
    call = find_call(ports.calls, name.account, name.call_id, name.carrier)
    if call is None:
        raise NotFound(f"call {name.call_id}", code="no_such_call")
    return ports.tap_commands.find(call, control_id)


def _name(account: str, call_id: str) -> CallName:
    carrier = query(routes.current_request, ("carrier",)).get("carrier", "")
    return CallName(account=account, carrier=carrier, call_id=call_id)
