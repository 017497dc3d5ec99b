"""Signatures of webhooks coming in: a row per carrier's scheme.

A signature covers the URL that the carrier called: it is checked against the configured public URL,
never against what a request says of itself. A dialect that is signed names its row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chalicelib.carriers.contract import signature as schemes
from chalicelib.carriers.contract.signature import Signed
from chalicelib.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One header of a scheme, and who tells whether it is right."""

    header: str
    """in lower case"""
    is_right: Callable[[str, Signed, str], bool]
    """by the header's value, what it may cover, and a key; in constant time"""


SCHEMES: Mapping[str, tuple[Proof, ...]] = MappingProxyType(
    {
        "signalwire": (
            Proof(header="x-signalwire-sha256-signature", is_right=schemes.hex_sha256),
            Proof(header="x-signalwire-signature", is_right=schemes.hex_sha1),
        ),
        "twilio": (Proof(header="x-twilio-signature", is_right=schemes.twilio),),
        "plivo": (Proof(header="x-plivo-signature-v3", is_right=schemes.plivo),),
        "telnyx": (Proof(header="telnyx-signature-ed25519", is_right=schemes.telnyx),),
        "jambonz": (Proof(header="jambonz-signature", is_right=schemes.jambonz),),
        "vonage": (Proof(header="authorization", is_right=schemes.vonage),),
    }
)
"""A scheme's proofs, the strongest first; the first whose header is there decides alone."""


def is_signed(scheme: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request carries a signature of the scheme; "" never does."""
    return _presented(scheme, headers) is not None


def verify(scheme: str, signed: Signed, keys: Collection[str]) -> None:
    """Return if a request's signature is by one of the keys: two are good during a rotation.

    Raises Forbidden `bad_signature`, also for none.
    """
    presented = _presented(scheme, signed.headers)
    if presented is None:
        raise Forbidden("no signature", code="bad_signature")
    proof, value = presented
    if not any(proof.is_right(value, signed, key) for key in keys):
        raise Forbidden(f"{proof.header}: wrong signature", code="bad_signature")


def _presented(scheme: str, headers: Mapping[str, str]) -> tuple[Proof, str] | None:
    by_name = {name.lower(): value for name, value in headers.items()}
    for proof in SCHEMES.get(scheme, ()):
        if proof.header in by_name:
            return proof, by_name[proof.header]
    return None
