"""`/v1/calls`."""

from __future__ import annotations

from uuid import uuid4

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api.http import Routes, answer_of
from chalicelib.api.requests import account_of, json_object, now, query
from chalicelib.api.views import calls_json, known_call_json
from chalicelib.errors import Conflict
from chalicelib.recording import options
from chalicelib.recording.model import Profile
from chalicelib.services import instructions, queries, record_call

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
    known = queries.describe_call(ports.calls, ports.recordings, account, call_id, carrier)
    events = ports.inbox.events(known.call.ref.key)
    return Response(body=known_call_json(known, events, ports.public_url()))


@routes.route("/v1/calls/{call_id}/record_call", methods=["POST"])
def request_recording(call_id: str) -> Response:
    """Ask for a recording: of a live call from now on, else with the call's first media."""
    account, ports = account_of(routes.current_request), wiring.ports()
    asked = query(routes.current_request, ("profile",))
    body = json_object(routes.current_request)
    control_id, wanted = options.parse_record_call(body, policy=ports.settings.url_policy)
    request = record_call.Request(
        call_id=call_id, control_id=control_id or str(uuid4()), options=wanted
    )
    profile = record_call.choose_profile(ports.profiles, ports.calls, account, call_id, asked)
    return _requested(profile, request)


def _requested(profile: Profile, request: record_call.Request) -> Response:
    ports, at = wiring.ports(), now()
    try:
        recording = record_call.request_recording(
            profile,
            request,
            ports.calls,
            ports.transitions,
            now=at,
            pending_for=ports.settings.pending_for,
        )
        answer = ports.commands.begin(recording)
    except Conflict as conflict:
        return _failed(conflict)
    deployment = ports.deployment()
    body = {
        "record_call_url": instructions.download_url(
            recording, deployment, at + ports.settings.download_token_for
        ),
        "record_call_result": "success",
        "record_control_id": recording.control_id,
        "stream_url": instructions.call_stream_url(
            profile, request.call_id, recording.options, deployment, at
        ),
    }
    return Response(body=body, status_code=201 if answer.is_done else 202)


def _failed(conflict: Conflict) -> Response:
    response = answer_of(conflict)
    response.body = {**response.body, "record_call_result": "failed", "reason": conflict.code}
    return response
