"""What becomes of the rest of a call when its owner is out of reach: this worker, that claimed the
call, finds out whether the owner is dead, and ends what it left."""

from __future__ import annotations

import asyncio
from functools import partial

from chalicelib.errors import TapedeckError
from chalicelib.owner_ports import DeadWorkers
from chalicelib.recording.model import CallRef
from chalicelib.sink.health import Health
from chalicelib.sink.limits import Limits
from chalicelib.sink.patience import Patient

_PART = "heir"


class Heir:
    """Looks after workers that this one couldn't reach, each once for all calls."""

    def __init__(self, dead_workers: DeadWorkers, health: Health, limits: Limits) -> None:
        self._dead_workers = dead_workers
        self._looking = Patient(_PART, 4, health, limits)
        self._ending = Patient(_PART, 4, health, limits)
        self._health = health
        self._looks: dict[str, asyncio.Task[bool]] = {}

    async def outlive(self, worker: str, call: CallRef) -> None:
        """End a dead worker's streams of a call; nothing where it lives, or nobody can tell."""
        if await self._is_over(worker):
            await self._ending.until_done(partial(self._dead_workers.end_streams, worker, call))

    def close(self) -> None:
        """Look at nobody any more."""
        for look in self._looks.values():
            look.cancel()
        self._looking.close()
        self._ending.close()

    async def _is_over(self, worker: str) -> bool:
        look = self._looks.get(worker)
        if look is None:
            look = self._looks[worker] = asyncio.ensure_future(self._look(worker))
            look.add_done_callback(lambda _: self._looks.pop(worker))
        return await asyncio.shield(look)

    async def _look(self, worker: str) -> bool:
        try:
            return await self._looking.once(partial(self._dead_workers.outlive, worker))
        except TapedeckError:
            self._health.failures[_PART] += 1
            return False
