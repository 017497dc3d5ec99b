"""A recording's proof: its manifest and a signature over it, in one object. A persisted format.

It is one object, so that a reader never gets the manifest of one moment and the signature of
another. Its form is what `docs/explanation/proof.md` tells auditors.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from chalicelib.errors import CorruptContainer

VERSION = 1
ALGORITHM = "ECDSA_SHA_256"
"""over P-256; the signature is DER (RFC 3279 2.2.3)"""

_PEM_LINE = 64


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The proof that an auditor downloads."""

    version: int = VERSION
    recording_id: str
    manifest: str
    """its text; as UTF-8 it is what was signed"""
    algorithm: str = ALGORITHM
    key_id: str
    """the key's id, given by the keeper of the key"""
    public_key: str
    """PEM, for readers that know its fingerprint from elsewhere"""
    signature: str
    """base64"""


def digest_of(manifest: str) -> bytes:
    """Return what is signed of a manifest's text: the SHA-256 of its bytes."""
    return hashlib.sha256(manifest.encode()).digest()


def pem_of(der: bytes) -> str:
    """Return a public key as PEM (RFC 7468)."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + _PEM_LINE] for at in range(0, len(text), _PEM_LINE)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def encode_proof(proof: Proof) -> str:
    """Return a proof as indented JSON."""
    return msgspec.json.format(_encoder.encode(proof), indent=2).decode() + "\n"


def parse_proof(text: str) -> Proof:
    """Return a stored proof. Raises CorruptContainer."""
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise CorruptContainer(f"the proof is none: {error}") from error


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Proof)
