"""The port Signer: the fake, and what its adapter makes of two emulators of KMS.

What emulators get wrong: moto hashes a DIGEST once more, so that nobody can verify what it signs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto import mock_aws

from chalicelib.adapters.aws.kms import KmsSigner
from chalicelib.errors import Unavailable
from chalicelib.ports.aws import Signer
from tests.adapters.aws_client import Client, fault
from tests.conftest import MINISTACK
from tests.fake_signer import FakeSigner

MANIFEST = b'{"recording_id": "r-1"}\n' * 1000
"""longer than what KMS takes as it is"""


def _on(options: dict[str, Any]) -> Signer:
    client = boto3.client("kms", **options)
    made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    return KmsSigner(client, made["KeyMetadata"]["KeyId"])


@pytest.fixture(params=["fake", "moto", MINISTACK])
def signer(request: pytest.FixtureRequest) -> Iterator[Signer]:
    """A key of its own for each test."""
    if request.param == "fake":
        yield FakeSigner()
    elif request.param == "moto":
        options = {"region_name": "us-east-1", "aws_access_key_id": "t"}
        with mock_aws():
            yield _on({**options, "aws_secret_access_key": "t"})
    else:
        yield _on(request.getfixturevalue("cloud").client_options)


def test_what_is_signed_verifies(signer: Signer, request: pytest.FixtureRequest) -> None:
    """An ECDSA signature of P-256 over the bytes, with the key that is told."""

    if "moto" in request.node.name:
        request.applymarker(
            pytest.mark.xfail(raises=InvalidSignature, reason="hashes a DIGEST once more")
        )
    key = load_der_public_key(signer.public_key().der)
    assert isinstance(key, ec.EllipticCurvePublicKey)

    signature = signer.sign(hashlib.sha256(MANIFEST).digest())

    assert "secp256r1" == key.curve.name
    key.verify(signature, MANIFEST, ec.ECDSA(hashes.SHA256()))


def test_what_was_not_signed_does_not_verify(signer: Signer) -> None:
    """A byte less is another text."""

    key = load_der_public_key(signer.public_key().der)
    assert isinstance(key, ec.EllipticCurvePublicKey)

    signature = signer.sign(hashlib.sha256(MANIFEST).digest())

    with pytest.raises(InvalidSignature):
        key.verify(signature, MANIFEST[:-1], ec.ECDSA(hashes.SHA256()))


def test_no_two_signatures_are_equal(signer: Signer) -> None:
    """So what is signed has to lie outside of what is compared."""

    digest = hashlib.sha256(MANIFEST).digest()

    assert signer.sign(digest) != signer.sign(digest)


def test_the_public_key_is_asked_for_once() -> None:
    """It never changes."""

    client = Client({"KeyId": "arn", "PublicKey": b"der"})
    signer = KmsSigner(client, "key")

    assert signer.public_key() == signer.public_key()
    assert [{"KeyId": "key"}] == client.requests


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "KMSInternalException", "DisabledException"]
)
def test_a_key_that_doesn_t_sign_is_unavailable(code: str) -> None:
    """To try again is right: an operator may enable it."""

    signer = KmsSigner(Client(fault(code)), "key")

    for ask in (signer.public_key, lambda: signer.sign(bytes(32))):
        with pytest.raises(Unavailable):
            ask()
