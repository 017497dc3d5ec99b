"""Secrets Manager, cached."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters import faults
from chalicelib.adapters.aws.settings_store import CachedTexts
from chalicelib.errors import NotFound

_MISSING = frozenset({"ResourceNotFoundException"})


class SecretsManager:
    """The port Secrets."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._texts = CachedTexts(self._read)

    def get(self, secret_id: str) -> str:
        """Return a secret's text, at most five minutes old.

        Raises NotFound, also where the secret holds bytes instead of a text; Unavailable.
        """
        return self._texts.get(secret_id)

    def _read(self, secret_id: str) -> str:
        with faults.translated("get secret", missing=_MISSING):
            answer = self._client.get_secret_value(SecretId=secret_id)
        if "SecretString" not in answer:
            raise NotFound("get secret: it holds bytes, no text")
        return str(answer["SecretString"])
