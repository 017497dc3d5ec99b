"""KMS: a key that signs and never leaves it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from chalicelib.adapters import botocore_errors
from chalicelib.ports.values import PublicKey
from chalicelib.recording.proof import ALGORITHM


class KmsSigner:
    """Implements the port Signer, with an ECC_NIST_P256 key."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def public_key(self) -> PublicKey:
        """Return the key that signatures are verified with; it is asked for once."""
        return self._public_key

    @cached_property
    def _public_key(self) -> PublicKey:
        with botocore_errors.translated("get the public key"):
            answer = self._client.get_public_key(KeyId=self._key_id)
        return PublicKey(key_id=answer["KeyId"], der=answer["PublicKey"])

    def sign(self, sha256: bytes) -> bytes:
        """Return a signature, DER, over what has this SHA-256."""
        with botocore_errors.translated("sign"):
            answer = self._client.sign(
                KeyId=self._key_id,
                Message=sha256,
                MessageType="DIGEST",
                SigningAlgorithm=ALGORITHM,
            )
        signature: bytes = answer["Signature"]
        return signature
