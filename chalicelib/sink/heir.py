"""What becomes of the calls of a worker that died: the others see it, and end what it left."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from chalicelib.errors import CallerError, TapedeckError
from chalicelib.owner_ports import DeadWorkers
from chalicelib.port_values import Lease
from chalicelib.recording.model import Stream
from chalicelib.services.dead_workers import LOOKS
from chalicelib.sink.health import Health
from chalicelib.sink.limits import Limits
from chalicelib.sink.patience import Patient
from chalicelib.sink.tasks import Tasks

_PART = "heir"
_ASK_AGAIN_S = 0.05
"""the shortest wait for a grace, whatever the clocks say"""

_log = logging.getLogger(__name__)


class Heir:
    """Watches the leases of the other workers. Several may inherit at once: all is conditional."""

    def __init__(self, dead_workers: DeadWorkers, health: Health, limits: Limits) -> None:
        self._dead_workers = dead_workers
        self._patient = Patient(_PART, limits.heir_threads, health, limits)
        self._health = health
        self._limits = limits
        self._inheritances = Tasks()

    async def keep(self) -> None:
        """Look after the dead until cancelled."""
        while True:
            # Not all at once: who is first declares the death, and the others find it declared.
            every_s = self._limits.heir_every_s * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
            await asyncio.sleep(every_s)
            try:
                await self._look()
            except TapedeckError:  # nobody is dead for who can't read
                self._health.failures[_PART] += 1

    async def close(self) -> None:
        """Look at nobody any more; what isn't ended is the sweeper's."""
        await self._inheritances.cancel()
        self._patient.close()

    async def _look(self) -> None:
        dead = await self._patient.once(self._dead_workers.suspects)
        for _ in range(LOOKS):
            if not dead:
                return
            await asyncio.sleep(self._limits.heir_look_s)
            dead = await self._patient.once(partial(self._dead_workers.still_silent, dead))
        for lease in dead:
            held = await self._patient.once(partial(self._dead_workers.bury, lease))
            _log.warning("a worker died", extra={"dead": lease.worker, "streams": len(held)})
            self._inherit(lease, held)

    def _inherit(self, lease: Lease, held: Sequence[Stream]) -> None:
        for stream in held:
            self._inheritances.start(self._end(stream, lease))

    async def _end(self, stream: Stream, lease: Lease) -> None:
        """End a stream and its call: again when the call's grace is over."""
        step = partial(self._dead_workers.end_stream, stream, lease)
        try:
            closing = await self._patient.until_done(step)
            while not closing.closed and closing.retry_at is not None:
                wait_s = (closing.retry_at - datetime.now(UTC)).total_seconds()
                await asyncio.sleep(max(wait_s, _ASK_AGAIN_S))
                closing = await self._patient.until_done(step)
        except CallerError:
            return  # its call is gone
