"""Verifies the signatures of carriers' webhooks: a function per scheme.

A signature covers the URL that the carrier called. It is compared with the configured public URL,
never with what a request says about itself. Only the spelling that carriers send is accepted. No
verifier can protect what a scheme doesn't cover: the texts of Twilio and Plivo have no mark between
a field's name and its value, and Twilio's leaves out repeated values. The path's token is verified
besides.

HMACs use the standard library, which calls OpenSSL as well and needs no import of 15 ms. Elliptic
curves use `cryptography`, imported by the first request that needs it (decision 86).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

import msgspec

from chalicelib.errors import Forbidden

TOLERANCE_S = 300
"""how far a signed time may be off, in both directions: TRUST 4; Standard Webhooks, Telnyx and
Stripe allow the same"""

_TIME_DIGITS_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The parts of a request that a signature may cover."""

    url: str
    """as the carrier was given it, without credentials"""
    body: bytes
    """raw"""
    headers: Mapping[str, str]
    """names in any case"""
    at: datetime
    """when it came"""
    method: str = "POST"

    def header(self, name: str) -> str:
        """Return a header by its lower-case name; empty if it is absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureHeader:
    """One header of a scheme, and the function that verifies it."""

    header: str
    """in lower case"""
    is_right: Callable[[str, Signed, str], bool]
    """takes the header's value, what it may cover, and a key; compares in constant time"""


def is_signed(proofs: Collection[SignatureHeader], headers: Mapping[str, str]) -> bool:
    """Whether a request has one of the proofs' headers."""
    return _presented(proofs, headers) is not None


def verify(proofs: Collection[SignatureHeader], signed: Signed, keys: Collection[str]) -> None:
    """Return if one of the keys made a request's signature: two keys are valid during a rotation.

    The first proof whose header is present decides alone. Raises Forbidden `bad_signature`, also
    for a request without a signature.
    """
    presented = _presented(proofs, signed.headers)
    if presented is None:
        raise Forbidden("no signature", code="bad_signature")
    proof, value = presented
    if not any(proof.is_right(value, signed, key) for key in keys):
        raise Forbidden(f"{proof.header}: wrong signature", code="bad_signature")


def _presented(
    proofs: Collection[SignatureHeader], headers: Mapping[str, str]
) -> tuple[SignatureHeader, str] | None:
    by_name = {name.lower(): value for name, value in headers.items()}
    for proof in proofs:
        if proof.header in by_name:
            return proof, by_name[proof.header]
    return None


def hex_sha256(value: str, signed: Signed, key: str) -> bool:
    """Whether a value is the hex HMAC-SHA256 over URL and body."""
    return _is_same(value, _mac(key, signed.url.encode() + signed.body, "sha256").hex())


def hex_sha1(value: str, signed: Signed, key: str) -> bool:
    """Whether a value is the hex HMAC-SHA1 over URL and body."""
    return _is_same(value, _mac(key, signed.url.encode() + signed.body, "sha1").hex())


def twilio(value: str, signed: Signed, key: str) -> bool:
    """Twilio: base64 HMAC-SHA1 over the URL and the form's fields; over the URL alone where that
    holds the body's hash."""
    covered = signed.url
    hashed = dict(_fields(urlsplit(signed.url).query)).get("bodySHA256")
    if hashed is None:
        form = _form(signed.body)
        covered += "".join(name + text for name, text in sorted(set(form)))
    elif not _is_same(hashed, hashlib.sha256(signed.body).hexdigest()):
        return False
    return _is_same(value, _base64(_mac(key, covered.encode(), "sha1")))


def plivo(value: str, signed: Signed, key: str) -> bool:
    """Plivo V3: base64 HMAC-SHA256 over URL, fields and a nonce; one of the header's is enough.

    An account and its parent sign with their own keys, separated by a comma.
    """
    nonce = signed.header("x-plivo-signature-v3-nonce")
    covered = f"{_plivo_text(signed)}.{nonce}".encode("utf-8", "surrogatepass")
    expected = _base64(_mac(key, covered, "sha256"))
    return any(_is_same(one, expected) for one in value.split(","))


def telnyx(value: str, signed: Signed, key: str) -> bool:
    """Telnyx: base64 Ed25519 over `timestamp|body`; the key is the public one, in base64."""
    timestamp = signed.header("telnyx-timestamp")
    if not _is_recent(timestamp, signed.at):
        return False
    public_key, signature = _unbase64(key), _unbase64(value)
    return is_ed25519(public_key, f"{timestamp}|".encode() + signed.body, signature)


def is_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature (64 bytes) of a message is by the key (32 bytes).

    A signature has one spelling (RFC 8032, 8.4); the key comes from the customer's secret.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # 15 ms, for few carriers
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def jambonz(value: str, signed: Signed, key: str) -> bool:
    """Jambonz: `t=…,v1=…`, hex HMAC-SHA256 over `t.body`; after a rotation with several `v1`."""
    first, *others = value.split(",")
    timestamp = first.removeprefix("t=")
    if timestamp == first or not _is_recent(timestamp, signed.at):
        return False
    expected = f"v1={_mac(key, f'{timestamp}.'.encode() + signed.body, 'sha256').hex()}"
    return any(_is_same(one, expected) for one in others)


class _VonageClaims(msgspec.Struct):
    iat: int
    payload_hash: str


class _JwtHead(msgspec.Struct):
    alg: str
    crit: list[str] = []
    """extensions that a verifier must know; we know none (RFC 7515, 4.1.11)"""


def vonage(value: str, signed: Signed, key: str) -> bool:
    """Vonage: `Bearer` and a JWT by HS256, of a moment ago, with the body's SHA-256.

    By hand, since PyJWT takes 75 ms to import and the time from its own clock (decision 86).
    """
    covered, _, mac = value.removeprefix("Bearer ").rpartition(".")
    expected = urlsafe_b64encode(_mac(key, covered.encode("utf-8", "surrogatepass"), "sha256"))
    if not (value.startswith("Bearer ") and _is_same(mac, expected.rstrip(b"=").decode())):
        return False
    try:  # it is the key's owner who wrote this
        first, second = map(_unsegmented, covered.split("."))
        head = msgspec.json.decode(first, type=_JwtHead)
        told = msgspec.json.decode(second, type=_VonageClaims)
    except (msgspec.MsgspecError, ValueError):
        return False
    is_plain_hs256 = head.alg == "HS256" and not head.crit
    is_recent = is_plain_hs256 and _is_recent(str(told.iat), signed.at)
    return is_recent and _is_same(told.payload_hash, hashlib.sha256(signed.body).hexdigest())


def _plivo_text(signed: Signed) -> str:
    parts = urlsplit(signed.url)
    query, form = _fields(parts.query), _form(signed.body)
    if signed.method == "GET":
        query, form = query + form, []
    pairs = "&".join(f"{name}={text}" for name, text in sorted(query))
    fields = "".join(name + text for name, text in sorted(form))
    base = f"{parts.scheme}://{parts.netloc}{parts.path}"
    joined = ".".join(part for part in (pairs, fields) if part)
    return f"{base}?{joined}" if joined else base


def _form(body: bytes) -> list[tuple[str, str]]:
    return _fields(body.decode("utf-8", "replace"))


def _fields(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _is_recent(timestamp: str, at: datetime) -> bool:
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIME_DIGITS_MAX
    return is_number and abs(at.timestamp() - int(timestamp)) <= TOLERANCE_S


def _is_same(presented: str, expected: str) -> bool:
    """Compare in constant time whatever characters a header holds."""
    return hmac.compare_digest(presented.encode("utf-8", "surrogatepass"), expected.encode())


def _mac(key: str, covered: bytes, digest: str) -> bytes:
    return hmac.digest(key.encode(), covered, digest)


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode()


def _unbase64(text: str) -> bytes:
    """Return the bytes of a base64 text in its one spelling; of anything else none."""
    try:
        octets = b64decode(text, validate=True)
    except ValueError:
        return b""
    return octets if _base64(octets) == text else b""  # spare bits are ignored


def _unsegmented(text: str) -> bytes:
    """Return the bytes of a part of a JWT. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


SCHEMES: Mapping[str, tuple[SignatureHeader, ...]] = MappingProxyType(
    {
        "twilio": (SignatureHeader(header="x-twilio-signature", is_right=twilio),),
        "plivo": (SignatureHeader(header="x-plivo-signature-v3", is_right=plivo),),
        "telnyx": (SignatureHeader(header="telnyx-signature-ed25519", is_right=telnyx),),
        "jambonz": (SignatureHeader(header="jambonz-signature", is_right=jambonz),),
        "vonage": (SignatureHeader(header="authorization", is_right=vonage),),
    }
)
"""The schemes of carriers that have no folder yet: with its folder a scheme moves there."""
