"""Builds the URLs and the ready documents that make a carrier stream its calls to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.carriers import registry
from chalicelib.carriers.contract.document import Arrangement, Document, DocumentDialect, Sides
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.recording import callbacks
from chalicelib.recording.model import Direction, Profile, Recording, RecordOptions
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind

TOKEN_FOR = timedelta(days=3650)
"""Customers paste a document once. Deleting its profile, or rotating the keys, revokes it."""

_SIDES = {
    Direction.SPEAK: Sides.SPEAK,
    Direction.LISTEN: Sides.LISTEN,
    Direction.BOTH: Sides.BOTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The addresses of this deployment, and the keys of its tokens."""

    public_url: str
    """the API, up to and with its stage"""
    sink_url: str
    token_keys: Sequence[bytes]
    """newest first"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Options of the document beside the profile's own."""

    sides: Sides | None = None
    """None: the sides that the profile records"""
    carrier_records: bool = False
    labels: Mapping[str, str]


def parse_wish(query: Mapping[str, str]) -> Wish:
    """Read `sides`, `record_call` and `label.<name>` of a query. Raises InvalidRequest."""
    sides = query.get("sides")
    if sides is not None and sides not in set(Sides):
        raise InvalidRequest("sides must be one of " + ", ".join(Sides), code="out_of_range")
    record_call = query.get("record_call", "false")
    if record_call not in ("true", "false"):
        raise InvalidRequest("record_call must be true or false", code="wrong_type")
    return Wish(
        sides=Sides(sides) if sides else None,
        carrier_records=record_call == "true",
        labels={
            name.removeprefix("label."): value
            for name, value in query.items()
            if name.startswith("label.")
        },
    )


def describe(
    profile: Profile, wish: Wish, deployment: Deployment, now: datetime
) -> dict[str, object]:
    """Return everything that a customer needs to set the carrier up."""
    wanted = arrange(profile, wish, deployment, now)
    urls = _row(profile).stream_urls(wanted)
    written = _row(profile).documents(wanted)
    return {
        "profile": profile.name,
        "dialect": profile.dialect,
        "stream_url": urls[0],
        "stream_urls": list(urls),
        "hook_url": wanted.hook_url,
        "token_expires_at": (now + TOKEN_FOR).isoformat(),
        "documents": {each.name: each.text for each in written},
        "notes": {each.name: each.note for each in written},
    }


def document(
    profile: Profile, name: str, wish: Wish, deployment: Deployment, now: datetime
) -> Document:
    """Return one ready document. Raises NotFound for a name that the profile's dialect hasn't."""
    written = _row(profile).documents(arrange(profile, wish, deployment, now))
    for each in written:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in written)
    raise NotFound(f"document: {profile.dialect} has {names}", code="no_such_document")


def call_stream_url(
    profile: Profile,
    call_id: str,
    options: RecordOptions,
    deployment: Deployment,
    now: datetime,
) -> str:
    """Return where the carrier shall stream one known call to, all of it in one stream."""
    return _row(profile).call_stream_url(_for_call(profile, options, deployment, now), call_id)


def call_stream_urls(
    profile: Profile,
    call_id: str,
    options: RecordOptions,
    deployment: Deployment,
    now: datetime,
) -> tuple[str, ...]:
    """Return where the carrier shall stream one known call to, so that it has the channels that the
    options ask for."""
    if not options.stereo:
        return (call_stream_url(profile, call_id, options, deployment, now),)
    return _row(profile).call_stream_urls(_for_call(profile, options, deployment, now), call_id)


def stream_again(
    profile: Profile, call_id: str, sides: Sides, deployment: Deployment, now: datetime
) -> tuple[str, str]:
    """Return where the carrier shall stream these sides of a known call to, and where it posts what
    becomes of that."""
    wanted = arrange(profile, Wish(sides=sides, labels={}), deployment, now)
    return _row(profile).call_stream_url(wanted, call_id), wanted.hook_url


def _for_call(
    profile: Profile, options: RecordOptions, deployment: Deployment, now: datetime
) -> Arrangement:
    wish = Wish(sides=_SIDES[options.direction], labels={})
    return arrange(profile, wish, deployment, now)


def download_url(recording: Recording, deployment: Deployment, expires_at: datetime) -> str:
    """Return a URL that opens a recording's audio until then, without an API key."""
    token = download_token(recording, deployment.token_keys, expires_at)
    return callbacks.download_url(deployment.public_url, recording.recording_id, token)


def download_token(recording: Recording, keys: Sequence[bytes], expires_at: datetime) -> str:
    """Return the token that opens a recording's audio until then."""
    account, recording_id = recording.call.account, recording.recording_id
    return tokens.issue(keys, TokenKind.RECORDING, account, recording_id, expires_at)


def arrange(profile: Profile, wish: Wish, deployment: Deployment, now: datetime) -> Arrangement:
    """Return what the profile's documents are made of, with a new token."""
    options = profile.record_call or RecordOptions()
    token = tokens.issue(
        deployment.token_keys, TokenKind.PROFILE, profile.account, profile.name, now + TOKEN_FOR
    )
    return Arrangement(
        sink_url=deployment.sink_url,
        token=token,
        hook_url=hook_url(deployment.public_url, profile.carrier, token),
        sides=wish.sides or _SIDES[options.direction],
        encoding=profile.encoding,
        bidirectional=profile.bidirectional,
        labels={**profile.labels, **wish.labels},
        carrier_records=options if wish.carrier_records else None,
    )


def hook_url(public_url: str, carrier: str, token: str) -> str:
    """Return where a carrier posts its webhooks.

    The URL with Basic is in the documentation, and there it stays `/hooks/{carrier}-basic/{token}`
    for carriers of the version in `versions/baseline`: that version doesn't know the general
    route `/hooks-basic/{carrier}/{token}`, and a stack may be rolled back to it.
    """
    return f"{public_url}/hooks/{carrier}/{token}"


def _row(profile: Profile) -> DocumentDialect:
    return registry.documents(profile.dialect)
