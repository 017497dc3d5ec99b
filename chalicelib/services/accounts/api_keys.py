"""API keys: made once, shown once, kept as a hash.

A key is `tdk_<key id>_<secret>`. The secret has 256 random bits, so a plain SHA-256 of it is as
good as a slow hash: there is nothing to guess.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from chalicelib.errors import InvalidRequest, NotFound, Unauthenticated
from chalicelib.ports.accounts import ApiKeys
from chalicelib.ports.values import ApiKey
from chalicelib.security.secret_names import ACCOUNT

RandomBytes = Callable[[int], bytes]

_KEY_ID_BYTES = 6
_SECRET_BYTES = 32
_BEARER = re.compile(r"(?i:bearer) +tdk_([0-9a-f]{12})_([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made: the only moment at which its text exists."""

    key: ApiKey
    text: str


def create_key(keys: ApiKeys, account: str, now: datetime, random: RandomBytes) -> NewKey:
    """Make a key for an account. Raises InvalidRequest for an account that isn't a label."""
    if not re.fullmatch(ACCOUNT, account):
        raise InvalidRequest("account: 1 to 63 of a-z, 0-9 and -", code="out_of_range")
    key_id, secret = random(_KEY_ID_BYTES).hex(), random(_SECRET_BYTES).hex()
    key = ApiKey(key_id=key_id, account=account, secret_sha256=_hash(secret), created_at=now)
    keys.create(key)
    return NewKey(key=key, text=f"tdk_{key_id}_{secret}")


def authenticate(keys: ApiKeys, authorization: str) -> ApiKey:
    """Return the key of an `Authorization: Bearer …` header. Raises Unauthenticated."""
    named = _BEARER.fullmatch(authorization.strip(" "))
    if named is None:
        raise Unauthenticated("Authorization: Bearer <API key> is needed")
    key_id, secret = named.groups()
    try:
        key = keys.get(key_id)
    except NotFound:
        raise _unknown() from None
    matches = hmac.compare_digest(key.secret_sha256, _hash(secret))
    if not matches or key.revoked_at is not None:
        raise _unknown()
    return key


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _unknown() -> Unauthenticated:
    return Unauthenticated("the API key is unknown or revoked")
