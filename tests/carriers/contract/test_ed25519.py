"""Ed25519: which of its signatures are taken, whatever the package beneath would take."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.carriers.contract.webhook_signature import is_ed25519

ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19

VECTORS = [  # RFC 8032, 7.1: key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_rfc_s_vectors_verify(key: str, message: str, signature: str) -> None:
    """And nothing that differs in a byte."""

    parts = [bytes.fromhex(part) for part in (key, message, signature)]

    assert is_ed25519(*parts)
    assert not is_ed25519(parts[0], parts[1] + b"\0", parts[2])


@settings(max_examples=40)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=64), data=st.data())
def test_a_flipped_bit_is_noticed(seed: bytes, message: bytes, data: st.DataObject) -> None:
    """A right signature verifies, and none with a flipped bit in key, message or signature."""

    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    whole = key + signature + message
    bit = data.draw(st.integers(min_value=0, max_value=8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    changed = (bytes(flipped[:32]), bytes(flipped[96:]), bytes(flipped[32:96]))

    assert is_ed25519(key, message, signature)
    assert not is_ed25519(*changed)


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (b"", bytes(64)),
        (bytes(31), bytes(64)),
        (bytes(32), b""),
        (bytes(32), bytes(63)),
        (bytes.fromhex(VECTORS[0][0]), bytes(65)),
        ((2).to_bytes(32, "little"), bytes(64)),
    ],
)
def test_what_names_no_point_signs_nothing(key: bytes, signature: bytes) -> None:
    """Wrong lengths, and a y that no x goes with."""

    assert not is_ed25519(key, b"", signature)


def test_a_signature_has_one_scalar() -> None:
    """The same one plus the group's order would verify, too: it is refused (RFC 8032, 8.4)."""

    key, message, signature = (bytes.fromhex(part) for part in VECTORS[0])
    scalar = int.from_bytes(signature[32:], "little") + ORDER

    assert not is_ed25519(key, message, signature[:32] + scalar.to_bytes(32, "little"))


def test_a_commitment_that_is_no_point_signs_nothing() -> None:
    """Its first half names a point of the curve, or it is no signature."""

    key, message, signature = (bytes.fromhex(part) for part in VECTORS[0])

    assert not is_ed25519(key, message, (2).to_bytes(32, "little") + signature[32:])


@pytest.mark.parametrize("commitment", [P + 1, 1 | 1 << 255])
def test_a_commitment_has_one_spelling(commitment: int) -> None:
    """The neutral point's other names are refused, even by a key under which all would verify."""

    neutral = (1).to_bytes(32, "little")

    assert is_ed25519(neutral, b"", neutral + bytes(32))
    assert not is_ed25519(neutral, b"", commitment.to_bytes(32, "little") + bytes(32))
