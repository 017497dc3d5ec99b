"""Signatures: the specification's vector, and the reference implementation as the judge."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from chalicelib.errors import TapedeckError
from chalicelib.security.callback_signature import signature_headers

NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def test_equals_the_specifications_vector() -> None:
    """The vector that every Standard Webhooks library tests with comes out."""

    headers = signature_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1_614_265_330.9, UTC),
        b'{"test": 2432232314}',
        [NEW],
    )

    assert {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    } == headers


@given(st.text(), st.text("abcdef0123456789_-", min_size=1, max_size=50))
def test_verifies_with_the_reference_implementation(body: str, webhook_id: str) -> None:
    """What is signed now verifies with the `standardwebhooks` package, whatever the body."""

    octets = body.encode("utf-8", "replace")
    headers = signature_headers(webhook_id, datetime.now(UTC), octets, [NEW])

    Webhook(NEW).verify(octets, headers, json_parse=False)


def test_verifies_with_either_secret_during_a_rotation() -> None:
    """New and old secret each find their signature in one header."""

    headers = signature_headers("msg_1", datetime.now(UTC), b"{}", [NEW, OLD])

    assert 2 == len(headers["webhook-signature"].split(" "))
    for secret in (NEW, OLD):
        assert {} == Webhook(secret).verify(b"{}", headers)


def test_does_not_verify_with_another_secret_or_body() -> None:
    """A changed body or a foreign secret finds no signature."""

    headers = signature_headers("msg_1", datetime.now(UTC), b"{}", [NEW])

    for secret, body in ((OLD, b"{}"), (NEW, b"{ }")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


def test_reads_a_secret_without_its_padding() -> None:
    """Secrets copied without their padding sign as the reference implementation reads them."""

    headers = signature_headers("msg_1", datetime.now(UTC), b"{}", ["whsec_YWJjZA"])

    assert {} == Webhook("whsec_YWJjZA").verify(b"{}", headers)


@pytest.mark.parametrize(
    "secrets",
    [[], [""], ["whsec_"], ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], ["whsec_$$$"], ["whsec_ä"]],
)
def test_signs_with_no_broken_secret(secrets: list[str]) -> None:
    """Without a usable secret there are no headers: nothing leaves unsigned."""

    with pytest.raises(TapedeckError) as refused:
        signature_headers("msg_1", datetime.now(UTC), b"{}", secrets)

    assert "no_webhook_secret" == refused.value.code
