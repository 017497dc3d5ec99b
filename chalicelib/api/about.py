"""Public routes: whether the API answers, and what it offers."""

from __future__ import annotations

from pathlib import Path

from chalice.app import Response

from chalicelib.api.http import Routes

routes = Routes(__name__)

_OPENAPI = Path(__file__).with_name("openapi.json")


@routes.route("/v1/health", methods=["GET"])
def tell_health() -> Response:
    """Answer: that this code runs is all that it says."""
    return Response(body={"status": "ok"})


@routes.route("/v1/openapi.json", methods=["GET"])
def tell_openapi() -> Response:
    """Show the OpenAPI document."""
    text = _OPENAPI.read_text(encoding="utf-8")
    return Response(body=text, headers={"Content-Type": "application/json"})
