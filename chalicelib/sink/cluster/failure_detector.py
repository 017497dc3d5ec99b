"""Watches the leases of the other workers, and reacts to one that isn't renewed.

After 6 s carriers are asked to tap that worker's calls again, elsewhere. After 20 s it is declared
dead, and its calls end. A worker holds no carrier's credentials, so it doesn't ask the carrier: it
starts the execution that does. That one needn't be sure of the death
(`services/recovery/retap.py`), so it starts earlier.
"""

from __future__ import annotations

import asyncio
import logging
import random

from chalicelib.errors import TapedeckError
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Leases
from chalicelib.ports.values import Lease
from chalicelib.sink.cluster.takeover import Takeover
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool

_PART = "failure detector"

_log = logging.getLogger(__name__)


class FailureDetector:
    """Finds silent and dead workers, by this worker's own clock alone."""

    def __init__(
        self,
        name: str,
        leases: Leases,
        workflows: Workflows | None,
        takeover: Takeover | None,
        health: Health,
        limits: Limits,
    ) -> None:
        """Without workflows no carrier is asked; without a takeover the sweeper ends the calls."""
        self._name = name
        self._leases = leases
        self._workflows = workflows
        self._takeover = takeover
        self._health = health
        self._limits = limits
        self._retry_pool = RetryPool(_PART, 1, health, limits)
        self._seen: dict[str, tuple[int, float]] = {}
        """each worker's renewals, and the time at which they were last seen to grow"""
        self._reported: set[str] = set()
        jitter = random.uniform(0, limits.detector_jitter_s)  # noqa: S311  # guards nothing
        self._dead_s = limits.detector_dead_s + jitter

    async def keep(self) -> None:
        """Check every second until cancelled."""
        loop = asyncio.get_running_loop()
        looked = since = loop.time()
        while True:
            await asyncio.sleep(self._limits.detector_every_s)
            leases = await self._read()
            now = loop.time()
            if leases is None or now - looked > self._limits.detector_late_s:
                # After a failed read nothing is known: the others' renewals may hang like this
                # read. Nor after a pause of this process: on a busy machine all may have paused.
                self._seen.clear()
                since = now + self._limits.detector_blind_s
            else:
                await self._look(leases, max(since, now))
            looked = loop.time()

    def close(self) -> None:
        """End the thread."""
        self._retry_pool.close()

    async def _read(self) -> list[Lease] | None:
        """Return all leases; None if they can't be read."""
        try:
            return await self._retry_pool.once(self._leases.all)
        except TapedeckError:
            self._health.failures[_PART] += 1
            return None

    async def _look(self, leases: list[Lease], now: float) -> None:
        others = [lease for lease in leases if not lease.over and lease.worker != self._name]
        known, self._seen = self._seen, {}
        for lease in others:
            renewals, since = known.get(lease.worker, (lease.renewals, now))
            self._seen[lease.worker] = lease.renewals, since if renewals == lease.renewals else now
        self._reported &= self._seen.keys()
        for lease in others:
            await self._check(lease, now)

    async def _check(self, lease: Lease, now: float) -> None:
        silent_s = now - self._seen[lease.worker][1]
        if silent_s < self._limits.detector_silent_s:
            self._reported.discard(lease.worker)
        elif self._workflows is not None and lease.worker not in self._reported:
            await self._start_retaps(lease, self._workflows)
        if self._takeover is not None and silent_s >= self._dead_s:
            await self._take_over(lease, self._takeover)

    async def _take_over(self, lease: Lease, takeover: Takeover) -> None:
        try:
            await takeover.take_over(lease)
        except TapedeckError:
            self._health.failures[_PART] += 1  # the next check tries again

    async def _start_retaps(self, lease: Lease, workflows: Workflows) -> None:
        try:
            await self._retry_pool.once(workflows.start_retaps, lease.worker, lease.renewals)
        except TapedeckError:
            self._health.failures[_PART] += 1  # the next check tries again
            return
        self._reported.add(lease.worker)
        _log.warning("a worker is silent", extra={"silent": lease.worker})
