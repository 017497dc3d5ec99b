"""`/v1/profiles`."""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api.http import Routes
from chalicelib.api.requests import account_of, json_object, now, query
from chalicelib.services.accounts import profiles
from chalicelib.services.calls import instructions

routes = Routes(__name__)


@routes.route("/v1/profiles", methods=["POST"])
def create_profile() -> Response:
    """Create a profile."""
    account, ports = account_of(routes.current_request), wiring.ports()
    body, policy = json_object(routes.current_request), ports.settings.url_policy
    shared = ports.settings.shared_credentials
    profile = profiles.create_profile(ports.profiles, account, body, policy, now(), shared=shared)
    return Response(body=profiles.to_json(profile), status_code=201)


@routes.route("/v1/profiles", methods=["GET"])
def list_profiles() -> Response:
    """List an account's profiles."""
    found = wiring.ports().profiles.listing(account_of(routes.current_request))
    return Response(body={"profiles": [profiles.to_json(profile) for profile in found]})


@routes.route("/v1/profiles/{name}", methods=["GET"])
def get_profile(name: str) -> Response:
    """Show a profile."""
    account = account_of(routes.current_request)
    return Response(body=profiles.to_json(wiring.ports().profiles.get(account, name)))


@routes.route("/v1/profiles/{name}", methods=["PATCH"])
def change_profile(name: str) -> Response:
    """Change the named properties of a profile."""
    account, ports = account_of(routes.current_request), wiring.ports()
    body, policy = json_object(routes.current_request), ports.settings.url_policy
    shared = ports.settings.shared_credentials
    profile = profiles.change_profile(ports.profiles, account, name, body, policy, shared=shared)
    return Response(body=profiles.to_json(profile))


@routes.route("/v1/profiles/{name}", methods=["DELETE"])
def delete_profile(name: str) -> Response:
    """Delete a profile; its tokens stop working."""
    wiring.ports().profiles.delete(account_of(routes.current_request), name)
    return Response(body="", status_code=204)


@routes.route("/v1/profiles/{name}/instructions", methods=["GET"])
def get_instructions(name: str) -> Response:
    """Show the carrier's instructions to stream; `?document=` gives one document as it is."""
    account, ports = account_of(routes.current_request), wiring.ports()
    asked = query(routes.current_request, ("document", "sides", "record_call", "label."))
    wish, profile = instructions.parse_wish(asked), ports.profiles.get(account, name)
    deployment, at = ports.deployment(), now()
    if "document" not in asked:
        return Response(body=instructions.describe(profile, wish, deployment, at))
    text = instructions.document(profile, asked["document"], wish, deployment, at)
    return Response(body=text.text, headers={"Content-Type": text.content_type})
