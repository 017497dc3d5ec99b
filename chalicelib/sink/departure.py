"""A task that is to stop keeps its calls while its load balancer lets it go. No new socket comes;
RTP comes by no load balancer, so its worker offers no port any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chalicelib.errors import TapedeckError
from chalicelib.ports.aws import TaskState
from chalicelib.sink.runtime.limits import Limits

_log = logging.getLogger(__name__)


class Departure:
    """Asks twice a minute whether the task is to stop; says so once."""

    def __init__(self, state: TaskState, leave: Callable[[], None], limits: Limits) -> None:
        self._state = state
        self._leave = leave
        self._limits = limits
        self._failure = ""

    async def keep(self) -> None:
        """Ask until it is so, or cancelled."""
        while not await self._is_going():
            await asyncio.sleep(self._limits.departure_look_every_s)
        _log.info("the task is to stop: no more RTP")
        self._leave()

    async def _is_going(self) -> bool:
        try:
            is_going = await asyncio.to_thread(self._state.is_going)
        except TapedeckError as error:
            if error.code != self._failure:
                _log.warning("the task's state can't be read", extra={"reason": error.code})
            self._failure = error.code
            return False
        self._failure = ""
        return is_going
