"""The proof's text."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from chalicelib.errors import CorruptContainer
from chalicelib.recording.proof import Proof, digest_of, encode_proof, parse_proof, pem_of
from tests.fake_signer import FakeSigner, private_key

PROOF = Proof(
    recording_id="r-1", manifest='{"a": "ü"}\n', key_id="k", public_key="p", signature="s"
)


def test_reads_back_what_it_wrote() -> None:
    """Manifest text and all, byte for byte."""

    assert PROOF == parse_proof(encode_proof(PROOF))


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1}', "[]"])
def test_what_is_no_proof_is_corrupt(text: str) -> None:
    """Every field is needed."""

    with pytest.raises(CorruptContainer):
        parse_proof(text)


def test_what_is_signed_is_the_manifest_s_bytes() -> None:
    """UTF-8, with its last newline."""

    assert hashlib.sha256(b'{"a": "\xc3\xbc"}\n').digest() == digest_of(PROOF.manifest)


def test_a_key_is_pem_that_others_read() -> None:
    """Lines of 64, as OpenSSL writes them."""

    text = pem_of(FakeSigner().public_key().der)

    assert private_key("key-1").public_key() == load_pem_public_key(text.encode())
    assert 64 == max(len(line) for line in text.splitlines())
