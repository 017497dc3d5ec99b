"""Standard Webhooks signatures for what we send: the symmetric scheme `v1`.

Source: https://www.standardwebhooks.com (specification 1.0.0, "Signature scheme").

By hand: three lines of `hmac`; the `standardwebhooks` package signs with one key, and a
rotation needs two.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from chalicelib.errors import TapedeckError

SECRET_PREFIX = "whsec_"  # noqa: S105  # a mark, not a secret


def signature_headers(
    webhook_id: str, at: datetime, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the three headers of an attempt at `at`, signed with every secret.

    Secrets are `whsec_` and base64; during a rotation old and new stand side by side, and a
    receiver that knows one of them is content. Raises TapedeckError where there is no usable one.
    """
    if not secrets:
        raise TapedeckError("no webhook secret is configured", code="no_webhook_secret")
    timestamp = str(int(at.timestamp()))
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(signed, secret) for secret in secrets),
    }


def _signature(signed: bytes, secret: str) -> str:
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    """Return a secret's bytes; its padding may be missing, as in the reference implementations."""
    text = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or text == secret:
        raise TapedeckError("a webhook secret isn't whsec_ and base64", code="no_webhook_secret")
    return key
