"""Reads settings that seldom change, from Secrets Manager and from SSM, at most every 5 minutes.

By hand: Powertools' parameters fail when a value is too old to keep and AWS is away; here the last
one serves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chalicelib.adapters import botocore_errors
from chalicelib.errors import NotFound, Unavailable

KEPT_S = 300.0
"""A rotated secret takes effect at most this long after its rotation."""

_RETRY_S = 10.0
_NO_SECRET = frozenset({"ResourceNotFoundException"})
_NO_PARAMETER = frozenset({"ParameterNotFound"})


class CachedTexts:
    """Caches what `read` returns; during an outage, texts that were read before stay valid."""

    def __init__(
        self, read: Callable[[str], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._texts: dict[str, tuple[float, str]] = {}
        """the time of the next read, and the text"""

    def get(self, name: str) -> str:
        """Return a text. Raises what `read` raises, but Unavailable only before the first read."""
        now = self._clock()
        known = self._texts.get(name)
        if known is not None and now < known[0]:
            return known[1]
        try:
            text = self._read(name)
        except Unavailable:
            if known is None:
                raise
            self._texts[name] = (now + _RETRY_S, known[1])
            return known[1]
        self._texts[name] = (now + KEPT_S, text)
        return text


class SecretsManager:
    """Implements the port Secrets."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._texts = CachedTexts(self._read)

    def get(self, secret_id: str) -> str:
        """Return a secret's text, at most five minutes old.

        Raises NotFound, also where the secret holds bytes instead of a text; Unavailable.
        """
        return self._texts.get(secret_id)

    def _read(self, secret_id: str) -> str:
        with botocore_errors.translated("get secret", missing=_NO_SECRET):
            answer = self._client.get_secret_value(SecretId=secret_id)
        if "SecretString" not in answer:
            raise NotFound("get secret: it holds bytes, no text")
        return str(answer["SecretString"])


class ParameterStore:
    """Implements the port Parameters with SSM."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._texts = CachedTexts(self._read)

    def get(self, name: str) -> str:
        """Return a parameter's text, at most five minutes old. Raises NotFound, Unavailable."""
        return self._texts.get(name)

    def _read(self, name: str) -> str:
        with botocore_errors.translated("get parameter", missing=_NO_PARAMETER):
            return str(self._client.get_parameter(Name=name)["Parameter"]["Value"])
