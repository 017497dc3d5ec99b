"""SSM's parameters, cached."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters import faults
from chalicelib.adapters.aws.settings_store import CachedTexts

_MISSING = frozenset({"ParameterNotFound"})


class ParameterStore:
    """The port Parameters."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._texts = CachedTexts(self._read)

    def get(self, name: str) -> str:
        """Return a parameter's text, at most five minutes old. Raises NotFound, Unavailable."""
        return self._texts.get(name)

    def _read(self, name: str) -> str:
        with faults.translated("get parameter", missing=_MISSING):
            return str(self._client.get_parameter(Name=name)["Parameter"]["Value"])
