"""The worker's sign of life."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial

from chalicelib.errors import Unavailable
from chalicelib.ports.rows import Leases
from chalicelib.ports.values import Lease
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool

_PART = "lease"


class LeaseKeeper:
    """Renews a lease every 2 s; `read` gives its facts, told how many renewals came before."""

    def __init__(
        self, leases: Leases, read: Callable[[int], Lease], health: Health, limits: Limits
    ) -> None:
        self._leases = leases
        self._read = read
        self._limits = limits
        self._health = health
        self._retry_pool = RetryPool(_PART, 1, health, limits)
        self._renewals = 0
        self._renewed_s = -math.inf
        """monotonic clock, when the renewal that came through last was asked for"""
        self._renewed = asyncio.Event()

    async def sure(self) -> None:
        """Return while nobody can have declared this worker dead; else after the next renewal.

        Who slept, or was cut off, may be dead to all others: it learns that from its lease, before
        it moves what others look after by now.
        """
        while time.monotonic() - self._renewed_s > self._limits.lease_sure_s:
            await self._renewed.wait()

    async def begin(self) -> None:
        """Write the first lease: without it no media may be taken."""
        while not await self._renews():
            await asyncio.sleep(self._limits.lease_every_s)

    async def keep(self) -> None:
        """Renew until cancelled. Raises PreconditionFailed where the worker was declared dead."""
        while True:
            await asyncio.sleep(self._limits.lease_every_s)
            await self._renews()

    async def release(self, worker: str, within_s: float) -> None:
        """Say that the worker ended and left nothing behind. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._retry_pool.retry(partial(self._leases.release, worker))

    def close(self) -> None:
        """Renew nothing more."""
        self._retry_pool.close()

    async def _renews(self) -> bool:
        """Renew once; a database that doesn't answer kills nobody."""
        lease, asked_s = self._read(self._renewals), time.monotonic()
        try:
            await self._retry_pool.once(partial(self._leases.renew, lease))
        except Unavailable as error:
            self._health.degrade(_PART, error.code)
            return False
        self._renewals += 1
        self._renewed_s = asked_s
        self._renewed.set()
        self._renewed = asyncio.Event()
        self._health.recover(_PART)
        return True
