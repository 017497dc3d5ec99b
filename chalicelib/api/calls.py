"""`/v1/calls`."""

from __future__ import annotations

from uuid import uuid4

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api.http import Routes, failed
from chalicelib.api.requests import account_of, json_object, query
from chalicelib.api.views import calls_json, known_call_json
from chalicelib.errors import Conflict
from chalicelib.recording import options
from chalicelib.services.calls import queries, record_call

routes = Routes(__name__)


@routes.route("/v1/calls", methods=["GET"])
def list_calls() -> Response:
    """List an account's calls, newest first."""
    account = account_of(routes.current_request)
    asked = query(routes.current_request, ("cursor", "limit"))
    return Response(body=calls_json(queries.list_calls(wiring.ports().calls, account, asked)))


@routes.route("/v1/calls/{call_id}", methods=["GET"])
def get_call(call_id: str) -> Response:
    """Show a call with its streams, recordings and webhooks."""
    account, ports = account_of(routes.current_request), wiring.ports()
    carrier = query(routes.current_request, ("carrier",)).get("carrier", "")
    known = queries.describe_call(
        ports.calls, ports.recordings, ports.taps, account, call_id, carrier
    )
    events = ports.inbox.events(known.call.ref.key)
    return Response(body=known_call_json(known, events, ports.public_url()))


@routes.route("/v1/calls/{call_id}/record_call", methods=["POST"])
def request_recording(call_id: str) -> Response:
    """Ask for a recording: of a live call from now on, else with the call's first media."""
    account, ports = account_of(routes.current_request), wiring.ports()
    asked = query(routes.current_request, ("profile",))
    body = json_object(routes.current_request)
    control_id, wanted = options.parse_record_call(body, policy=ports.settings.url_policy)
    request = record_call.RecordCallRequest(
        call_id=call_id, control_id=control_id or str(uuid4()), options=wanted
    )
    profile = ports.profile_chooser.choose(account, call_id, asked)
    try:
        outcome = ports.methods.record_call(profile, request)
    except Conflict as conflict:
        return failed("record_call", conflict)
    return Response(body=dict(outcome.variables), status_code=201 if outcome.is_done else 202)
