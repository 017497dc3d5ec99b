"""`/v1/calls/{call_id}/rtp_endpoint`."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api.http import Routes
from chalicelib.api.requests import account_of, json_object, query
from chalicelib.recording import rtp_endpoint
from chalicelib.services.calls.rtp_endpoints import EndpointRequest

routes = Routes(__name__)


@routes.route("/v1/calls/{call_id}/rtp_endpoint", methods=["POST"])
def request_endpoint(call_id: str) -> Response:
    """Claim a port that an RTP tap of the call can be sent to; 202 while nobody hears it yet."""
    account, ports = account_of(routes.current_request), wiring.ports()
    asked = query(routes.current_request, ("profile",))
    control_id, wanted = rtp_endpoint.parse_endpoint(json_object(routes.current_request))
    profile = ports.profile_chooser.choose(account, call_id, asked)
    claim = ports.endpoints.request(
        EndpointRequest(profile=profile, call_id=call_id, control_id=control_id, options=wanted)
    )
    body = {"uri": claim.uri, "control_id": claim.control_id}
    return Response(body=body, status_code=201 if claim.is_open else 202)
