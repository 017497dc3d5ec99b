"""What a deployment seals and signs with, read from its one secret.

    {"seed": "…", "token_keys": ["hex", …], "webhook_secrets": ["whsec_…", …]}

A deployment generates the seed; both keys derive from it. Explicit ones, newest first, come before
the derived: that is how an operator rotates. Without a seed, the explicit ones are all.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

import msgspec

from chalicelib.errors import TapedeckError

_TOKEN_KEY = b"tapedeck token key"
_WEBHOOK_SECRET = b"tapedeck webhook secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Keys, newest first; at least one of each."""

    token_keys: tuple[bytes, ...]
    webhook_secrets: tuple[str, ...]
    """`whsec_` and base64"""


class _Secret(msgspec.Struct):
    seed: str = ""
    token_keys: list[str] = []
    webhook_secrets: list[str] = []


_decode = msgspec.json.Decoder(_Secret).decode


def parse_keyring(text: str) -> Keyring:
    """Read a secret's text. Raises TapedeckError, which never quotes it."""
    try:
        secret = _decode(text)
        token_keys = [bytes.fromhex(key) for key in secret.token_keys]
    except ValueError:
        raise TapedeckError("the deployment's secret can't be read", code="bad_secret") from None
    webhook_secrets = list(secret.webhook_secrets)
    if secret.seed:
        token_keys.append(_derived(secret.seed, _TOKEN_KEY))
        derived = base64.b64encode(_derived(secret.seed, _WEBHOOK_SECRET)).decode()
        webhook_secrets.append(f"whsec_{derived}")
    if not (all(token_keys) and token_keys and webhook_secrets):
        raise TapedeckError("the deployment's secret lacks a key", code="bad_secret")
    return Keyring(token_keys=tuple(token_keys), webhook_secrets=tuple(webhook_secrets))


def _derived(seed: str, purpose: bytes) -> bytes:
    return hmac.digest(seed.encode(), purpose, "sha256")
