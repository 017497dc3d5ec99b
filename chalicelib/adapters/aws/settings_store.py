"""Texts that seldom change, read from outside at most every five minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

from chalicelib.errors import Unavailable

KEPT_S = 300.0
"""A rotated secret is in use this long after its rotation at the latest."""

_RETRY_S = 10.0


class CachedTexts:
    """Reads through `read`; while the outside doesn't answer, what was read before still counts."""

    def __init__(
        self, read: Callable[[str], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._texts: dict[str, tuple[float, str]] = {}
        """when to read again, and the text"""

    def get(self, name: str) -> str:
        """Return a text. Raises what `read` raises, Unavailable only where nothing was read yet."""
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
