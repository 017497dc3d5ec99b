"""Capability tokens: one URL path segment that proves who may send or fetch what, and until when.

    base64url( key id (4 bytes) | HMAC-SHA256 (32 bytes) | claims (msgpack) ), without padding

The alphabet is `A-Za-z0-9-_`, so that no proxy, carrier or framework has a reason to touch it. The
key id is derived from the key: during rotation the token itself says which of the keys made it.

By hand: a JWT of the same claims is longer, and its header lets the sender name an algorithm.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from chalicelib.errors import InvalidRequest, Unauthenticated

TOKEN_MAX = 512
"""characters; an account and a subject of 100 bytes each make a token of 330"""

_KEY_ID_BYTES = 4
_MAC_BYTES = 32
_CONTEXT = b"tapedeck token 1"
"""keeps this format's MACs apart from whatever else a key may ever sign"""


class TokenKind(StrEnum):
    """The kind of a token's subject."""

    PROFILE = "profile"
    """a profile's name: its carrier may stream and post events"""
    RECORDING = "recording"
    """a recording's id: its holder may download the recording"""
    WORKER = "worker"
    """a worker's name: another worker may pass streams on to it; the token has no account"""


class Claims(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The claims of a verified token."""

    kind: TokenKind
    account: str
    subject: str
    expires_at: datetime
    """exclusive"""


_decode_claims = msgspec.msgpack.Decoder(Claims).decode


def issue(
    keys: Sequence[bytes], kind: TokenKind, account: str, subject: str, expires_at: datetime
) -> str:
    """Return a token made with the first of the keys (newest first, at least one).

    Raises InvalidRequest where account and subject make it longer than TOKEN_MAX.
    """
    claims = Claims(
        kind=kind, account=account, subject=subject, expires_at=expires_at.astimezone(UTC)
    )
    body = msgspec.msgpack.encode(claims)
    token = _text(_key_id(keys[0]) + _mac(keys[0], body) + body)
    if len(token) > TOKEN_MAX:
        raise InvalidRequest(
            f"token: {len(token)} characters of {TOKEN_MAX}", code="token_too_long"
        )
    return token


def verify(keys: Sequence[bytes], token: str, kind: TokenKind, now: datetime) -> Claims:
    """Return what a token says that one of the keys made and that is of this kind.

    Raises Unauthenticated `token_invalid` (which of its reasons, it doesn't tell), `token_expired`.
    """
    sealed = _sealed(token)
    key_id = sealed[:_KEY_ID_BYTES]
    mac = sealed[_KEY_ID_BYTES : _KEY_ID_BYTES + _MAC_BYTES]
    body = sealed[_KEY_ID_BYTES + _MAC_BYTES :]
    made_by = [key for key in keys if hmac.compare_digest(_key_id(key), key_id)]
    if not any(hmac.compare_digest(_mac(key, body), mac) for key in made_by):
        raise _invalid()
    claims = _decode_claims(body)
    if claims.kind is not kind:
        raise _invalid()
    if claims.expires_at <= now:
        raise Unauthenticated(
            f"token: expired at {claims.expires_at.isoformat()}", code="token_expired"
        )
    return claims


def _sealed(token: str) -> bytes:
    """Return the bytes of a token in its one canonical spelling."""
    if len(token) > TOKEN_MAX or not token.isascii():
        raise _invalid()
    try:
        sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        raise _invalid() from None
    if _text(sealed) != token:  # the decoder skips foreign characters and ignores spare bits
        raise _invalid()
    return sealed


def _text(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _key_id(key: bytes) -> bytes:
    return hmac.digest(key, b"tapedeck key id", "sha256")[:_KEY_ID_BYTES]


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _CONTEXT + body, "sha256")


def _invalid() -> Unauthenticated:
    return Unauthenticated("token: not one of ours", code="token_invalid")
