"""Signatures of webhooks coming in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dialects import signatures
from chalicelib.dialects.signatures import Signed
from chalicelib.errors import Forbidden
from tests.dialects.samples import FIXTURES

VECTORS = json.loads((FIXTURES / "signatures" / "signalwire.json").read_text(encoding="utf-8"))
SHA1, SHA256 = (vector["signature"] for vector in VECTORS)
SIGNED = Signed(key=VECTORS[0]["key"], url=VECTORS[0]["url"], body=VECTORS[0]["body"].encode())


def is_right(headers: dict[str, str], signed: Signed = SIGNED) -> bool:
    try:
        signatures.verify("signalwire", headers, signed)
    except Forbidden as error:
        return error.code != "bad_signature"
    return True


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vectors_verify(vector: dict[str, str]) -> None:
    """Each published or recomputed vector is right under its header, in any case."""

    signed = Signed(key=vector["key"], url=vector["url"], body=vector["body"].encode())

    assert is_right({vector["header"]: vector["signature"]}, signed)
    assert is_right({vector["header"].upper(): vector["signature"].upper()}, signed)


def test_sha256_decides_where_both_are_there() -> None:
    """A right SHA-1 doesn't mend a wrong SHA-256."""

    both = {"X-SignalWire-Signature": SHA1, "X-Signalwire-SHA256-Signature": SHA256}

    assert is_right(both)
    assert is_right(both | {"X-SignalWire-Signature": "0" * 40})
    assert not is_right(both | {"X-Signalwire-SHA256-Signature": "0" * 64})


@pytest.mark.parametrize("signature", ["", "é", SHA256, SHA1[:-1], SHA1 + "0", f"sha1={SHA1}"])
def test_anything_else_is_forbidden(signature: str) -> None:
    """What isn't the signature of the header's own kind is refused."""

    assert not is_right({"X-SignalWire-Signature": signature})


@pytest.mark.parametrize(
    "signed",
    [
        replace(SIGNED, key=SIGNED.key + "x"),
        replace(SIGNED, url=SIGNED.url + "/"),
        replace(SIGNED, url=SIGNED.url.replace("https", "http")),
        replace(SIGNED, body=SIGNED.body + b" "),
    ],
)
def test_key_url_and_body_are_all_covered(signed: Signed) -> None:
    """Another key, another URL or another byte makes the signature wrong."""

    assert not is_right({"X-SignalWire-Signature": SHA1}, signed)


def test_no_signature_proves_nothing() -> None:
    """Without a header there is nothing to verify, and verifying anyway fails."""

    assert not signatures.is_signed("signalwire", {"Content-Type": "application/json"})
    assert signatures.is_signed("signalwire", {"x-signalwire-signature": ""})
    assert not is_right({})


def test_the_scheme_of_who_signs_nothing() -> None:
    """Bandwidth has no signature header, whatever a request brings."""

    assert not signatures.is_signed("", {"X-SignalWire-Signature": SHA1})


@given(
    position=st.integers(min_value=0, max_value=39), letter=st.characters(exclude_categories=["Cs"])
)
def test_no_changed_signature_is_right(position: int, letter: str) -> None:
    """One changed character anywhere is enough."""

    forged = SHA1[:position] + letter + SHA1[position + 1 :]

    assert (forged.lower() == SHA1) == is_right({"X-SignalWire-Signature": forged})
