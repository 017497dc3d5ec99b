"""Keeps the worker's lease: the row that proves to the others that it is alive."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from chalicelib.errors import Unavailable
from chalicelib.ports.rows import Leases
from chalicelib.ports.values import Lease
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool

_PART = "lease"


class LeaseKeeper:
    """Renews the lease every 2 s; `read` returns its contents, given the number of renewals."""

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
        """when the last successful renewal was sent, by the monotonic clock"""
        self._renewed = asyncio.Event()

    async def sure(self) -> None:
        """Return while no other worker can consider this one dead; otherwise after a renewal.

        A worker that was paused or disconnected may have been declared dead. It learns that from
        its lease before it writes rows that others have taken over.
        """
        while time.monotonic() - self._renewed_s > self._limits.lease_sure_s:
            await self._renewed.wait()

    async def begin(self) -> None:
        """Write the first lease: without one the worker may take no media."""
        while not await self._renews():
            await asyncio.sleep(self._limits.lease_every_s)

    async def keep(self) -> None:
        """Renew until cancelled. Raises PreconditionFailed if the worker was declared dead."""
        while True:
            await asyncio.sleep(self._limits.lease_every_s)
            await self._renews()

    async def release(self, worker: str, within_s: float) -> None:
        """Note that the worker ended and left nothing behind. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            await self._retry_pool.retry(self._leases.release, worker)

    def close(self) -> None:
        """End the thread."""
        self._retry_pool.close()

    async def _renews(self) -> bool:
        """Renew once, and return whether that worked; a database outage ends no worker."""
        lease, asked_s = self._read(self._renewals), time.monotonic()
        try:
            await self._retry_pool.once(self._leases.renew, lease)
        except Unavailable as error:
            self._health.degrade(_PART, error.code)
            return False
        self._renewals += 1
        self._renewed_s = asked_s
        self._renewed.set()
        self._renewed = asyncio.Event()
        self._health.recover(_PART)
        return True
