"""The deployment's secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from chalicelib.errors import TapedeckError
from chalicelib.security.deployment_keys import DeploymentKeys, parse_keys

SEED = "q8Zr"


def derived(purpose: bytes) -> bytes:
    """What a seed gives for a purpose (RFC 2104)."""
    return hmac.new(SEED.encode(), purpose, hashlib.sha256).digest()


def test_a_new_deployment_derives_both_from_its_seed() -> None:
    """One generated value is enough; neither key tells the other."""
    keys = parse_keys(json.dumps({"token_keys": [], "webhook_secrets": [], "seed": SEED}))

    secret = "whsec_" + base64.b64encode(derived(b"tapedeck webhook secret")).decode()
    assert (
        DeploymentKeys(token_keys=(derived(b"tapedeck token key"),), webhook_secrets=(secret,))
        == keys
    )


def test_explicit_keys_come_before_derived_ones() -> None:
    """A rotation puts a new key in front; what the old one sealed stays valid."""
    keys = parse_keys(json.dumps({"token_keys": ["0a0b"], "seed": SEED}))

    assert (b"\x0a\x0b", derived(b"tapedeck token key")) == keys.token_keys


@pytest.mark.parametrize("seed", ["", None])
def test_without_a_seed_only_explicit_keys_count(seed: str | None) -> None:
    """The end of a rotation: the seed is emptied or removed."""
    document = {"token_keys": ["0a"], "webhook_secrets": ["whsec_AA=="]}
    text = json.dumps(document if seed is None else {**document, "seed": seed})

    assert DeploymentKeys(token_keys=(b"\n",), webhook_secrets=("whsec_AA==",)) == parse_keys(text)


@pytest.mark.parametrize("text", ["", "[]", "7", '{"token_keys": ["xx"]}', '{"token_keys": 7}'])
def test_what_cant_be_read_is_refused_without_quoting_it(text: str) -> None:
    """The message holds nothing of the secret, and neither does a cause."""

    with pytest.raises(TapedeckError, match=r"^the deployment's secret can't be read$") as refused:
        parse_keys(text)

    assert refused.value.__cause__ is None
