"""Signatures of webhooks coming in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.carriers.contract import webhook_signature
from chalicelib.carriers.contract.webhook_signature import TOLERANCE_S, Signed
from chalicelib.errors import Forbidden
from tests.carriers.signed import FILES, SCHEMES, VECTORS, Vector, is_right

BY_NAME = {vector.name: vector for vector in VECTORS}
TIMED = [vector for vector in VECTORS if vector.scheme in {"telnyx", "jambonz", "vonage"}]
IDS = {"ids": lambda vector: vector.name}


def with_header(vector: Vector, name: str, value: str) -> Signed:
    return replace(vector.signed, headers={**vector.signed.headers, name: value})


def presented(vector: Vector) -> str:
    return vector.signed.header(vector.proof)


def test_each_scheme_has_vectors() -> None:
    """A carrier that signs adds one file of requests that it signed."""

    assert set(SCHEMES) == set(FILES)


@pytest.mark.parametrize("vector", VECTORS, **IDS)
def test_vectors_verify(vector: Vector) -> None:
    """Each published or recomputed vector is right under its key, whatever case names come in."""

    shouted = {name.upper(): value for name, value in vector.signed.headers.items()}

    assert is_right(vector.scheme, vector.signed, vector.key)
    assert is_right(vector.scheme, replace(vector.signed, headers=shouted), vector.key)
    assert webhook_signature.is_signed(SCHEMES[vector.scheme], vector.signed.headers)


@pytest.mark.parametrize("vector", VECTORS, **IDS)
def test_two_keys_are_good_side_by_side(vector: Vector) -> None:
    """During a rotation either signs; another one, or none at all, doesn't."""

    other = VECTORS[0].key if vector.scheme == "telnyx" else f"{vector.key}x"

    assert is_right(vector.scheme, vector.signed, other, vector.key)
    assert is_right(vector.scheme, vector.signed, vector.key, other)
    assert not is_right(vector.scheme, vector.signed, other)
    assert not is_right(vector.scheme, vector.signed)


@pytest.mark.parametrize("vector", VECTORS, **IDS)
@pytest.mark.parametrize("value", ["", "é", "\ud800", "0" * 40, "v1=,t=1", "Bearer a.b.c", "="])
def test_anything_else_is_forbidden(vector: Vector, value: str) -> None:
    """What isn't the signature of the header's own kind is refused, and nothing breaks."""

    assert not is_right(vector.scheme, with_header(vector, vector.proof, value), vector.key)


@pytest.mark.parametrize("vector", VECTORS, **IDS)
def test_url_and_body_are_covered(vector: Vector) -> None:
    """Another URL or another byte makes a signature wrong, where the scheme covers it."""

    shorter = replace(vector.signed, body=vector.signed.body[:-1] + b"?")
    elsewhere = replace(vector.signed, url=vector.signed.url.replace("example", "evil", 1))

    assert not is_right(vector.scheme, shorter, vector.key)
    assert is_right(vector.scheme, elsewhere, vector.key) == (
        vector.scheme in {"telnyx", "jambonz", "vonage"} or elsewhere == vector.signed
    )


@pytest.mark.parametrize("vector", TIMED, **IDS)
@pytest.mark.parametrize("off_s", [-TOLERANCE_S - 1, -TOLERANCE_S, TOLERANCE_S, TOLERANCE_S + 1])
def test_a_signed_time_is_five_minutes_good(vector: Vector, off_s: int) -> None:
    """A replay that comes later is refused, and a clock that is ahead is not trusted further."""

    come = replace(vector.signed, at=vector.signed.at + timedelta(seconds=off_s))

    assert is_right(vector.scheme, come, vector.key) == (abs(off_s) <= TOLERANCE_S)


@pytest.mark.parametrize(
    "time", ["", "x", "²", "-1640995200", " 1640995200", "1640995200.0", "9" * 20]
)
def test_a_signed_time_is_a_number(time: str) -> None:
    """In digits, and not too many of them."""

    telnyx, jambonz = BY_NAME["telnyx-ed25519"], BY_NAME["jambonz"]
    changed = presented(jambonz).replace("1640995200", time)

    assert not is_right("telnyx", with_header(telnyx, "telnyx-timestamp", time), telnyx.key)
    assert not is_right("jambonz", with_header(jambonz, "Jambonz-Signature", changed), jambonz.key)


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_no_signature_proves_nothing(scheme: str) -> None:
    """Without a header there is nothing to verify, and verifying anyway fails."""

    bare = replace(VECTORS[0].signed, headers={"Content-Type": "application/json"})
    with pytest.raises(Forbidden) as refused:
        webhook_signature.verify(SCHEMES[scheme], bare, [VECTORS[0].key])

    assert not webhook_signature.is_signed(SCHEMES[scheme], bare.headers)
    assert webhook_signature.is_signed(SCHEMES[scheme], {SCHEMES[scheme][0].header.upper(): ""})
    assert "bad_signature" == refused.value.code


@pytest.mark.parametrize("vector", VECTORS, **IDS)
def test_a_carrier_that_signs_nothing_has_no_scheme(vector: Vector) -> None:
    """Without proofs no header is a signature, whatever a request brings."""

    assert not webhook_signature.is_signed((), vector.signed.headers)


def test_an_account_or_its_parent_signs_for_plivo() -> None:
    """One signature of those that a comma separates is enough."""

    vector = BY_NAME["plivo-v3-post"]
    several = f"AAAA,{presented(vector)}"

    assert is_right("plivo", with_header(vector, "X-Plivo-Signature-V3", several), vector.key)


def test_several_keys_sign_for_jambonz() -> None:
    """As Standard Webhooks does it: one of the `v1` is enough."""

    vector = BY_NAME["jambonz"]
    time, right = presented(vector).split(",")
    several = f"{time},v1={'0' * 64},{right}"

    assert is_right("jambonz", with_header(vector, "Jambonz-Signature", several), vector.key)


def test_a_body_that_isn_t_what_the_url_says_is_forged() -> None:
    """Where Twilio signs the body's hash in the URL, the body must have that hash."""

    vector = BY_NAME["twilio-body-sha256"]

    assert not is_right("twilio", replace(vector.signed, body=b"{}"), vector.key)


def jwt(claims: object, *, head: object = None, key: str = "k") -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256"} if head is None else head, claims)
    ]
    covered = ".".join(parts)
    mac = hmac.digest(key.encode(), covered.encode(), "sha256")
    return f"Bearer {covered}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


VONAGE = BY_NAME["vonage-jwt"]
CLAIMS = {
    "iat": int(VONAGE.signed.at.timestamp()),
    "payload_hash": hashlib.sha256(VONAGE.signed.body).hexdigest(),
}


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (jwt(CLAIMS), True),
        (jwt(CLAIMS).removeprefix("Bearer "), False),
        (jwt(CLAIMS, head={"alg": "none"}), False),
        (jwt(CLAIMS, head={"alg": "RS256"}), False),
        (jwt(CLAIMS, head=[]), False),
        (jwt(CLAIMS, head={"alg": "HS256", "crit": []}), True),
        (jwt(CLAIMS, head={"alg": "HS256", "crit": ["b64"], "b64": False}), False),
        (jwt({**CLAIMS, "iat": CLAIMS["iat"] - TOLERANCE_S - 1}), False),
        (jwt({**CLAIMS, "iat": "now"}), False),
        (jwt({**CLAIMS, "payload_hash": "0" * 64}), False),
        (jwt({"iat": CLAIMS["iat"]}), False),
        (jwt(CLAIMS, key="other"), False),
    ],
)
def test_a_jwt_is_by_its_algorithm_of_now_and_of_this_body(value: str, right: bool) -> None:
    """Its own word for its algorithm counts for nothing but a refusal."""

    assert right == is_right("vonage", with_header(VONAGE, "Authorization", value), "k")


@pytest.mark.parametrize("covered", ["a", "a.b.c", "\u00e9.b", "aaaaa.bbbb"])
def test_a_jwt_of_other_parts_is_none(covered: str) -> None:
    """Even rightly sealed: two parts of base64 it has."""

    mac = base64.urlsafe_b64encode(hmac.digest(b"k", covered.encode(), "sha256")).rstrip(b"=")
    value = f"Bearer {covered}.{mac.decode()}"

    assert not is_right("vonage", with_header(VONAGE, "Authorization", value), "k")
