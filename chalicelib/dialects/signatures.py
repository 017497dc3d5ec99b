"""Signatures of webhooks coming in: a row per carrier's scheme.

A signature covers the URL that the carrier called: it is checked against the configured public URL,
never against what a request says of itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chalicelib.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signature may cover, and the secret that makes it."""

    key: str
    url: str
    """as the carrier was given it, without credentials"""
    body: bytes
    """raw"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One header of a scheme, and what it must hold."""

    header: str
    """in lower case"""
    expected: Callable[[Signed], str]


def _hex_hmac(digest: str) -> Callable[[Signed], str]:
    def expected(signed: Signed) -> str:
        covered = signed.url.encode() + signed.body
        return hmac.digest(signed.key.encode(), covered, digest).hex()

    return expected


SCHEMES: Mapping[str, tuple[Proof, ...]] = MappingProxyType(
    {
        "signalwire": (
            Proof(header="x-signalwire-sha256-signature", expected=_hex_hmac("sha256")),
            Proof(header="x-signalwire-signature", expected=_hex_hmac("sha1")),
        ),
    }
)
"""A scheme's proofs, the strongest first; the first whose header is there decides alone."""


def is_signed(scheme: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request carries a signature of the scheme; "" never does."""
    return _presented(scheme, headers) is not None


def verify(scheme: str, headers: Mapping[str, str], signed: Signed) -> None:
    """Return if a request's signature is right. Raises Forbidden `bad_signature`, also for none."""
    presented = _presented(scheme, headers)
    if presented is None:
        raise Forbidden("no signature", code="bad_signature")
    proof, signature = presented
    expected = proof.expected(signed)
    if not hmac.compare_digest(expected.encode(), signature.strip().lower().encode()):
        raise Forbidden(f"{proof.header}: wrong signature", code="bad_signature")


def _presented(scheme: str, headers: Mapping[str, str]) -> tuple[Proof, str] | None:
    by_name = {name.lower(): value for name, value in headers.items()}
    for proof in SCHEMES.get(scheme, ()):
        if proof.header in by_name:
            return proof, by_name[proof.header]
    return None
