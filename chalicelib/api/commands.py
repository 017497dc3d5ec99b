"""`/v1/calls/{call_id}`: commands to a live call's recordings."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api.http import Routes, failed
from chalicelib.api.requests import account_of, json_object, query
from chalicelib.errors import Conflict
from chalicelib.recording.model import Recording
from chalicelib.services.calls import commands
from chalicelib.services.calls.commands import CallName, CommandResult

routes = Routes(__name__)


@routes.route("/v1/calls/{call_id}/record_call/{control_id}/pause", methods=["POST"])
def pause_recording(call_id: str, control_id: str) -> Response:
    """Pause a recording; what is said from now on is kept nowhere, if no other one records."""
    recording = _controlled(call_id, control_id)
    behavior = commands.parse_pause(json_object(routes.current_request))
    return _told(wiring.ports().commands.pause(recording, behavior))


@routes.route("/v1/calls/{call_id}/record_call/{control_id}/resume", methods=["POST"])
def resume_recording(call_id: str, control_id: str) -> Response:
    """Let a paused recording go on."""
    recording = _controlled(call_id, control_id)
    commands.parse_resume(json_object(routes.current_request))
    return _told(wiring.ports().commands.resume(recording))


@routes.route("/v1/calls/{call_id}/record_call/{control_id}/discard", methods=["POST"])
def discard_recording(call_id: str, control_id: str) -> Response:
    """End a recording of a live call and leave nothing of it."""
    recording = _controlled(call_id, control_id)
    commands.parse_discard(json_object(routes.current_request))
    return _told(wiring.ports().commands.discard(recording))


@routes.route("/v1/calls/{call_id}/stop_record_call", methods=["POST"])
def stop_recording(call_id: str) -> Response:
    """End a recording of a live call."""
    return _stopped(call_id)


@routes.route("/v1/calls/{call_id}/stop_call_record", methods=["POST"])
def stop_call_record(call_id: str) -> Response:
    """The same: SWML's page of `record_call` once calls it so."""
    return _stopped(call_id)


def _stopped(call_id: str) -> Response:
    caller = _caller(call_id)
    control_id = commands.parse_stop(json_object(routes.current_request))
    try:
        outcome = wiring.ports().methods.stop_record_call(caller, control_id)
    except Conflict as conflict:
        return failed("stop_record_call", conflict)
    return Response(body=dict(outcome.variables), status_code=200 if outcome.is_done else 202)


def _controlled(call_id: str, control_id: str) -> Recording:
    return commands.find_controlled(wiring.ports().commands, _caller(call_id), control_id)


def _caller(call_id: str) -> CallName:
    account = account_of(routes.current_request)
    carrier = query(routes.current_request, ("carrier",)).get("carrier", "")
    return CallName(account=account, carrier=carrier, call_id=call_id)


def _told(answer: CommandResult) -> Response:
    """Return the state; 202 where the worker hasn't answered yet."""
    return Response(body=commands.state_of(answer), status_code=200 if answer.is_done else 202)
