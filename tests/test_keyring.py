from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest

from chalicelib.errors import TapedeckError
from chalicelib.keyring import parse_keyring
from chalicelib.signing import signature_headers


def test_both_keys_derive_from_the_seed() -> None:
    """A generated seed is enough for a deployment, and gives two different keys."""

    keyring = parse_keyring(json.dumps({"seed": "s" * 64, "token_keys": [], "webhook_secrets": []}))

    assert (1, 1) == (len(keyring.token_keys), len(keyring.webhook_secrets))
    assert keyring.token_keys[0] != b64decode(keyring.webhook_secrets[0].removeprefix("whsec_"))
    assert 32 == len(keyring.token_keys[0])


def test_explicit_keys_come_before_the_derived() -> None:
    """An operator rotates by putting a new key first."""

    keyring = parse_keyring(
        json.dumps({"seed": "s", "token_keys": ["00ff"], "webhook_secrets": ["whsec_QUJD"]})
    )

    assert (b"\x00\xff", "whsec_QUJD") == (keyring.token_keys[0], keyring.webhook_secrets[0])
    assert (2, 2) == (len(keyring.token_keys), len(keyring.webhook_secrets))


def test_a_seed_isn_t_needed() -> None:
    """Explicit keys are all where no seed was generated."""

    keyring = parse_keyring(json.dumps({"token_keys": ["00ff"], "webhook_secrets": ["whsec_QUJD"]}))

    assert ((b"\x00\xff",), ("whsec_QUJD",)) == (keyring.token_keys, keyring.webhook_secrets)


def test_the_derived_secret_signs() -> None:
    """What is derived is a secret in the form that Standard Webhooks knows."""

    keyring = parse_keyring(json.dumps({"seed": "s"}))

    headers = signature_headers("msg_1", datetime.now(UTC), b"{}", keyring.webhook_secrets)

    assert headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"seed": 1}',
        '{"seed": "s", "token_keys": ["xy"]}',
        '{"seed": "s", "token_keys": [""]}',
        '{"token_keys": ["00"]}',
        "{}",
    ],
)
def test_a_secret_that_can_t_be_read_is_not_quoted(text: str) -> None:
    """The message tells what is wrong, and nothing of the secret."""

    with pytest.raises(TapedeckError) as refused:
        parse_keyring(text)

    assert "bad_secret" == refused.value.code
    assert "xy" not in refused.value.message
