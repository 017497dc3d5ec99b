"""What carriers post. TRUST 4's order: size, token, signature, parse, one transaction, answer."""

from __future__ import annotations

from chalice.app import AuthRequest, AuthResponse, Request, Response

from chalicelib import wiring
from chalicelib.api.http import Routes
from chalicelib.api.log import logger
from chalicelib.api.requests import now, raw_body
from chalicelib.carriers.contract.signature import Signed
from chalicelib.dialects import signatures
from chalicelib.dialects.webhooks.registry import dialect
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
from chalicelib.services.calls.instructions import hook_url
from chalicelib.services.intake import rtp_reports
from chalicelib.services.intake.intake import ReceivedEvent, WebhookReceiver, take_in

routes = Routes(__name__)

# Carriers are held to JSON by the parser, which tells the field, not by their content type.
_ANY_TYPE: list[str] = []


@routes.route("/hooks/signalwire/{token}", methods=["POST"], content_types=_ANY_TYPE)
def take_signalwire(token: str) -> Response:
    """SignalWire's status callbacks."""
    return _take("signalwire", token, routes.current_request)


@routes.route("/hooks/bandwidth/{token}", methods=["POST"], content_types=_ANY_TYPE)
def take_bandwidth(token: str) -> Response:
    """Bandwidth's media stream and recording events."""
    return _take("bandwidth", token, routes.current_request)


@routes.authorizer(name="hook_credentials", ttl_seconds=3600)
def ask_for_credentials(_request: AuthRequest) -> AuthResponse:
    """Let pass who says anything: what is said is verified with the event.

    It stands there for API Gateway, which asks in its place whoever says nothing. A 401 of our own
    wouldn't do: on its way out its WWW-Authenticate is renamed, and the carrier says nothing again.
    """
    return AuthResponse(routes=["/hooks/bandwidth-basic/*"], principal_id="carrier")


@routes.route(
    "/hooks/bandwidth-basic/{token}",
    methods=["POST"],
    content_types=_ANY_TYPE,
    authorizer=ask_for_credentials,
)
def take_bandwidth_basic(token: str) -> Response:
    """The same, behind a door that asks for user and password."""
    return _take("bandwidth", token, routes.current_request)


def _take(carrier: str, token: str, request: Request) -> Response:
    ports, row = wiring.ports(), dialect(carrier)
    body = raw_body(request)
    profile = _profile(carrier, token)
    if row.takes_basic:
        _verify_credentials(profile, request)
    signature = _verify_signature(profile, row.signature_scheme, token, request, body)
    stores = WebhookReceiver(
        inbox=ports.inbox,
        calls=ports.calls,
        recordings=ports.recordings,
        workflows=lambda: ports.workflows,
    )
    event, at = row.parse(body), now()
    claim = rtp_reports.find_claim(event, profile, ports.port_claims)
    received = ReceivedEvent(
        event=rtp_reports.joined(event, claim) if claim else event,
        profile=profile,
        at=at,
        announced_for=ports.settings.announced_for,
    )
    is_new = take_in(received, stores)
    told = {"carrier": carrier, "profile": profile.name, "signature": signature, "new": is_new}
    logger.info("A webhook was taken in", extra=told)
    if claim:
        rtp_reports.tell_end(event, claim, ports.mailbox, at)
    return Response(body="", status_code=row.answer_status)


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
    """A carrier is held to the user that its profile's secret names, if it names one.

    Raises CredentialsNeeded where it says nothing, Forbidden where it says something else.
    """
    wanted = _secret(profile).webhook_users
    if not wanted:
        return
    said = request.headers.get("Authorization", "")
    if not said:
        raise CredentialsNeeded("user and password are needed")
    if not any(user.is_said_by(said) for user in wanted):
        raise Forbidden("another user, or another password", code="wrong_credentials")


def _secret(profile: Profile) -> CarrierSecret:
    """Return what a profile's secret holds; nothing where it names none, or one that is refused.

    Carriers send most events once, so refusing an event because of its profile's secret would lose
    it. Its token is the only proof then, as for a profile without a secret, and an alarm says so.
    """
    if not profile.secret_id:
        return CarrierSecret()  # without a client of Secrets Manager
    try:
        return wiring.ports().carrier_secrets.of(profile)
    except SecretRefused:
        return CarrierSecret()


def _verify_signature(
    profile: Profile, scheme: str, token: str, request: Request, body: bytes
) -> str:
    """A carrier that signs is held to it as soon as the profile knows its key; tell how it went.

    Not every callback of SignalWire is signed, so none at all is no forgery: the token stands.
    """
    if not signatures.is_signed(scheme, request.headers):
        return "absent"
    keys = _secret(profile).signing_keys
    if not keys:
        return "no_key"  # no secret, a refused one, or one that holds other things
    url = hook_url(wiring.ports().public_url(), profile.carrier, token)
    signed = Signed(url=url, body=body, headers=request.headers, at=now())
    signatures.verify(scheme, signed, keys)
    return "verified"
