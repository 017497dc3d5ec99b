"""The current token keys, read in a thread, so that no handshake waits for the secret."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from chalicelib.errors import TapedeckError
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool

_PART = "token keys"


class TokenKeys:
    """Reads the keys every minute; keeps the last ones that it could read."""

    def __init__(self, read: Callable[[], Sequence[bytes]], health: Health, limits: Limits) -> None:
        self._read = read
        self._health = health
        self._limits = limits
        self._retry_pool = RetryPool(_PART, 1, health, limits)
        self._keys: Sequence[bytes] = ()

    def current(self) -> Sequence[bytes]:
        """Return the keys, newest first."""
        return self._keys

    async def begin(self) -> None:
        """Read the keys for the first time: without them no peer can be authenticated."""
        self._keys = await self._retry_pool.retry(self._read)

    async def keep(self) -> None:
        """Read the keys every minute until cancelled."""
        while True:
            await asyncio.sleep(self._limits.keys_every_s)
            try:
                self._keys = await self._retry_pool.once(self._read)
            except TapedeckError as error:
                self._health.degrade(_PART, error.code)
            else:
                self._health.recover(_PART)

    def close(self) -> None:
        """End the thread."""
        self._retry_pool.close()
