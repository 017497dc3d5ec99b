"""The deployment's secret: which keys seal tokens, and which secrets sign callbacks.

CloudFormation can generate one value and no more, so a new deployment has a seed that both derive
from. Explicit keys come first: rotating is putting a new one in front, and later emptying the seed.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256

from chalicelib.errors import TapedeckError
from chalicelib.security.callback_signature import SECRET_PREFIX

_TOKEN_PURPOSE = b"tapedeck token key"
_WEBHOOK_PURPOSE = b"tapedeck webhook secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentKeys:
    """Newest first; what is issued uses the first, what is verified may use any."""

    token_keys: tuple[bytes, ...]
    webhook_secrets: tuple[str, ...]
    """`whsec_` and base64"""


def parse_keys(text: str) -> DeploymentKeys:
    """Read `{"token_keys": [hex, …], "webhook_secrets": ["whsec_…", …], "seed": "…"}`.

    Each part may be missing. Raises TapedeckError for a document that can't be read.
    """
    try:
        document = json.loads(text)
        token_keys = [bytes.fromhex(key) for key in document.get("token_keys", ())]
        webhook_secrets = [str(secret) for secret in document.get("webhook_secrets", ())]
        seed = str(document.get("seed", "")).encode()
    except (ValueError, TypeError, AttributeError):
        # No cause: it would quote the secret.
        raise TapedeckError("the deployment's secret can't be read", code="bad_secret") from None
    if seed:
        token_keys.append(_derive(seed, _TOKEN_PURPOSE))
        webhook_secrets.append(SECRET_PREFIX + _base64(_derive(seed, _WEBHOOK_PURPOSE)))
    return DeploymentKeys(token_keys=tuple(token_keys), webhook_secrets=tuple(webhook_secrets))


def _derive(seed: bytes, purpose: bytes) -> bytes:
    return hmac.digest(seed, purpose, sha256)


def _base64(key: bytes) -> str:
    return base64.b64encode(key).decode()
