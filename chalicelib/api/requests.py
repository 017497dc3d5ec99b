"""Reading a request: its account, its JSON object, its query."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import msgspec
from chalice.app import Request

from chalicelib import wiring
from chalicelib.api import audit
from chalicelib.errors import InvalidRequest, TooLarge
from chalicelib.ports.values import Opener, Requester
from chalicelib.services.accounts import api_keys

MAX_BODY = 64 * 1024
"""bytes; TRUST 4"""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""half a character, which no store takes"""

_decode = msgspec.json.Decoder().decode


def account_of(request: Request) -> str:
    """Return the account whose key the request carries. Raises Unauthenticated."""
    return asker_of(request).account


def asker_of(request: Request) -> Requester:
    """Return the owner of the key that the request carries. Raises Unauthenticated."""
    header = request.headers.get("authorization", "")
    key = api_keys.authenticate(wiring.ports().api_keys, header)
    asker = Requester(account=key.account, by=Opener.KEY, key_id=key.key_id)
    audit.identify(asker)
    return asker


def raw_body(request: Request) -> bytes:
    """Return the body as it came. Raises TooLarge above MAX_BODY."""
    body = request.raw_body
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if len(raw) > MAX_BODY:
        raise TooLarge(f"the body has {len(raw)} bytes of at most {MAX_BODY}")
    return raw


def json_object(request: Request) -> Mapping[str, object]:
    """Return the body's JSON object; an empty body is an empty object. Raises InvalidRequest."""
    raw = raw_body(request)
    if not raw:
        return {}
    try:
        body = _decode(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the body is not JSON: {error}", code="not_json") from None
    if not isinstance(body, dict):
        raise InvalidRequest("the body is not a JSON object", code="not_an_object")
    return body


def query(request: Request, allowed: Collection[str]) -> dict[str, str]:
    """Return the query's parameters.

    A name of `allowed` that ends in a dot allows every name that begins with it. Raises
    InvalidRequest for one that is unknown, given twice, or no Unicode text.
    """
    given = request.query_params
    if given is None:
        return {}
    prefixes = tuple(name for name in allowed if name.endswith("."))
    for name in given:
        if name not in allowed and not (prefixes and name.startswith(prefixes)):
            raise InvalidRequest(f"unknown parameter {name}", code="unknown_parameter")
        if len(given.getlist(name)) > 1:
            raise InvalidRequest(f"{name} is given twice", code="repeated_parameter")
        if _SURROGATE.search(name + given[name]):
            raise InvalidRequest(f"{name} is no Unicode text", code="wrong_type")
    return {name: given[name] for name in given}


def now() -> datetime:
    """Return the time; only an entry point asks for it."""
    return datetime.now(UTC)
