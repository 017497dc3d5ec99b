"""A signer whose key lies in memory: real signatures, as KMS makes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.ports.values import PublicKey
from chalicelib.recording import keys
from chalicelib.recording.proof import Proof, encode_proof, parse_proof


@cache
def private_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return a key of that name, one for the whole run."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class FakeSigner:
    """The port Signer; notes what it signed."""

    key_id: str = "key-1"
    signed: list[bytes] = field(default_factory=list)

    def public_key(self) -> PublicKey:
        """Return what verifies."""
        public = private_key(self.key_id).public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return PublicKey(key_id=self.key_id, der=der)

    def sign(self, sha256: bytes) -> bytes:
        """Return a signature."""
        self.signed.append(sha256)
        return private_key(self.key_id).sign(sha256, ec.ECDSA(Prehashed(hashes.SHA256())))


def proven(objects: Mapping[str, bytes], account: str, recording_id: str) -> Proof:
    """Return a stored proof; its signature is good."""
    proof = parse_proof(objects[keys.proof_key(account, recording_id)].decode())
    public = private_key(proof.key_id).public_key()
    signature = base64.b64decode(proof.signature)
    public.verify(signature, proof.manifest.encode(), ec.ECDSA(hashes.SHA256()))
    return proof


def unsigned(objects: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what is stored, proofs without what differs each time."""
    return {
        key: _without_signature(body) if key.endswith("/proof.json") else body
        for key, body in objects.items()
    }


def _without_signature(body: bytes) -> bytes:
    proof = parse_proof(body.decode())
    return encode_proof(msgspec.structs.replace(proof, signature="")).encode()
