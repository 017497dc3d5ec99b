"""`/v1/calls/{call_id}/swml`: a SWML script runs on a call."""

from __future__ import annotations

from uuid import uuid4

from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.api.http import Routes, failed
from chalicelib.api.requests import account_of, query, raw_body
from chalicelib.services.calls.commands import CallName
from chalicelib.services.calls.swml_script import StepResult
from chalicelib.swml import text
from chalicelib.swml.script import Method, ParseContext, Script, parse_script

routes = Routes(__name__)

_JSON = "application/json"
_TYPES = [_JSON, "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"]
_DONE = {Method.RECORD_CALL: 201, Method.TAP: 201}
"""as their own routes answer; the others' is 200"""


@routes.route("/v1/calls/{call_id}/swml", methods=["POST"], content_types=_TYPES)
def run_swml(call_id: str) -> Response:
    """Run a script's recording and tapping methods; name the others."""
    account, ports = account_of(routes.current_request), wiring.ports()
    asked = query(routes.current_request, ("profile", "carrier"))
    script = _script(routes.current_request)
    name = CallName(account=account, carrier=asked.get("carrier", ""), call_id=call_id)
    target = ports.script_runner.target(script, name, asked)
    ran = ports.script_runner.run(script, target)
    body = {
        "results": [_result(one) for one in ran],
        "skipped": [{"path": one.path, "method": one.method} for one in script.skipped],
    }
    return Response(body=body, status_code=202 if _is_any_waiting(ran) else 200)


def _script(request: Request) -> Script:
    raw = raw_body(request)
    is_json = _JSON in request.headers.get("content-type", _JSON).lower()
    document = text.read_json(raw) if is_json else text.read_yaml(raw)
    reading = ParseContext(policy=wiring.ports().settings.url_policy, new_id=lambda: str(uuid4()))
    return parse_script(document, reading)


def _result(ran: StepResult) -> dict[str, object]:
    """Return the answer of the method's own route, and the method's place in the script."""
    place: dict[str, object] = {"path": ran.step.path, "method": str(ran.step.method)}
    if ran.error is not None:
        answer = failed(ran.step.method, ran.error)
        return {**place, "status": answer.status_code, **answer.body}
    assert ran.outcome is not None
    status = _DONE.get(ran.step.method, 200) if ran.outcome.is_done else 202
    return {**place, "status": status, **ran.outcome.variables}


def _is_any_waiting(ran: list[StepResult]) -> bool:
    return any(one.outcome is not None and not one.outcome.is_done for one in ran)
