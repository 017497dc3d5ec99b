"""Receives carriers' webhooks: size, token, signature, parsing, one transaction, answer."""

from __future__ import annotations

from chalice.app import AuthRequest, AuthResponse, AuthRoute, Request, Response

from chalicelib import wiring
from chalicelib.api.http import Routes
from chalicelib.api.log import logger
from chalicelib.api.requests import now, raw_body
from chalicelib.carriers import registry
from chalicelib.carriers.contract import webhook_signature
from chalicelib.carriers.contract.webhook_signature import SignatureHeader, Signed
from chalicelib.errors import (
    CredentialsNeeded,
    Forbidden,
    NotFound,
    SecretRefused,
    Unauthenticated,
)
from chalicelib.recording.model import Profile
from chalicelib.security import tokens
from chalicelib.security.carrier_credentials import CarrierSecret
from chalicelib.security.tokens import TokenKind
from chalicelib.services.intake import rtp_reports
from chalicelib.services.intake.intake import ReceivedEvent

routes = Routes(__name__)

# The parser verifies that a body is JSON, and names the field; content types are not reliable.
_ANY_TYPE: list[str] = []


_WITH_BASIC: list[str | AuthRoute] = [
    "/hooks-basic/*",
    *(
        row.first_basic_route.replace("{token}", "*")
        for row in registry.ROWS.values()
        if row.first_basic_route
    ),
]


@routes.authorizer(name="hook_credentials", ttl_seconds=3600)
def ask_for_credentials(_request: AuthRequest) -> AuthResponse:
    """Admit everyone who presents credentials: they are verified with the event.

    API Gateway itself asks those who present none. A 401 of the function wouldn't do: API Gateway
    renames its WWW-Authenticate, and the carrier wouldn't present any the next time either.
    """
    return AuthResponse(routes=_WITH_BASIC, principal_id="carrier")


@routes.route("/hooks/{carrier}/{token}", methods=["POST"], content_types=_ANY_TYPE)
def take_webhook(carrier: str, token: str) -> Response:
    """A carrier's webhooks."""
    return _take(carrier, token, f"/hooks/{carrier}/{token}", routes.current_request)


@routes.route(
    "/hooks-basic/{carrier}/{token}",
    methods=["POST"],
    content_types=_ANY_TYPE,
    authorizer=ask_for_credentials,
)
def take_webhook_basic(carrier: str, token: str) -> Response:
    """The same, where API Gateway asks for a user and a password."""
    row = registry.ROWS.get(carrier)
    if row is None or not row.asks_basic:
        raise NotFound(
            f"no carrier {carrier[:40]!r} sends a user and password", code="unknown_path"
        )
    return _take(carrier, token, f"/hooks-basic/{carrier}/{token}", routes.current_request)


def _keep_first_route(carrier: str, path: str, **options: object) -> None:
    """Register a route from before there was one for all carriers.

    Customers have pasted its URLs. The API names its routes to its functions, too: while a stack is
    updated or rolled back, an API and a function of two versions meet, and both know this one.
    """

    def take(token: str) -> Response:
        return _take(carrier, token, path.replace("{token}", token), routes.current_request)

    take.__name__ = "take_" + path.split("/")[2].replace("-", "_")
    routes.route(path, methods=["POST"], content_types=_ANY_TYPE, **options)(take)


for _row in registry.ROWS.values():
    if _row.first_route:
        _keep_first_route(_row.name, _row.first_route)
    if _row.first_basic_route:
        _keep_first_route(_row.name, _row.first_basic_route, authorizer=ask_for_credentials)


def _take(carrier: str, token: str, path: str, request: Request) -> Response:
    ports, known = wiring.ports(), registry.carrier(carrier)
    body = raw_body(request)
    profile = _profile(carrier, token)
    if registry.ROWS[carrier].asks_basic:
        _verify_credentials(profile, request)
    verdict = _verify_signature(profile, known.signature, path, request, body)
    event, at = known.webhooks.parse(body), now()
    claim = rtp_reports.find_claim(event, profile, ports.port_claims)
    received = ReceivedEvent(
        event=rtp_reports.joined(event, claim) if claim else event,
        profile=profile,
        at=at,
        announced_for=ports.settings.announced_for,
    )
    is_new = ports.webhook_receiver.take_in(received)
    told = {"carrier": carrier, "profile": profile.name, "signature": verdict, "new": is_new}
    logger.info("A webhook was taken in", extra=told)
    if claim:
        rtp_reports.tell_end(event, claim, ports.mailbox, at)
    return Response(body="", status_code=known.webhooks.answer_status)


def _profile(carrier: str, token: str) -> Profile:
    ports = wiring.ports()
    claims = tokens.verify(ports.token_keys(), token, TokenKind.PROFILE, now())
    try:
        profile = ports.profiles.get(claims.account, claims.subject)
    except NotFound:
        raise Unauthenticated("token: its profile is gone", code="token_invalid") from None
    if profile.carrier != carrier:
        raise Forbidden(f"token: its profile is {profile.carrier}'s", code="wrong_carrier")
    return profile


def _verify_credentials(profile: Profile, request: Request) -> None:
    """Verify the user that a profile's secret names, if it names one.

    Raises CredentialsNeeded for a webhook without credentials, Forbidden for others.
    """
    users = _secret(profile).webhook_users
    if not users:
        return
    presented = request.headers.get("Authorization", "")
    if not presented:
        raise CredentialsNeeded("user and password are needed")
    if not any(user.is_said_by(presented) for user in users):
        raise Forbidden("another user, or another password", code="wrong_credentials")


def _secret(profile: Profile) -> CarrierSecret:
    """Return a profile's secret; an empty one if it names none, or one that is refused.

    Carriers send most events once, so refusing an event because of its profile's secret would lose
    it. Then its token is the only proof, as for a profile without a secret, and an alarm says so.
    """
    if not profile.secret_id:
        return CarrierSecret()  # without a client of Secrets Manager
    try:
        return wiring.ports().carrier_secrets.of(profile)
    except SecretRefused:
        return CarrierSecret()


def _verify_signature(
    profile: Profile, proofs: tuple[SignatureHeader, ...], path: str, request: Request, body: bytes
) -> str:
    """Return what came of a webhook's signature. Raises Forbidden `bad_signature`.

    A signature is verified as soon as the profile's secret holds a key. A webhook without one is
    accepted, because SignalWire doesn't sign each of its callbacks: the token is the proof.
    """
    if not webhook_signature.is_signed(proofs, request.headers):
        return "absent"
    keys = _secret(profile).signing_keys
    if not keys:
        return "no_key"  # no secret, a refused one, or one that holds other things
    url = wiring.ports().public_url() + path
    signed = Signed(url=url, body=body, headers=request.headers, at=now())
    webhook_signature.verify(proofs, signed, keys)
    return "verified"
