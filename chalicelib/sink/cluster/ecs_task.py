"""This worker's ECS task: its protection from scale-in, and whether it is draining."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chalicelib.errors import TapedeckError, Unavailable
from chalicelib.ports.aws import TaskProtection, TaskState
from chalicelib.sink.runtime.limits import Limits

_log = logging.getLogger(__name__)


class ScaleInProtection:
    """Protects the task from scale-in while the worker has calls.

    It checks every second, and repeats a request until ECS grants it. A refusal doesn't degrade the
    worker: its calls are recorded all the same. ECS refuses while more tasks are protected than
    desired; the calls then have what is left of the protection.
    """

    def __init__(
        self, protection: TaskProtection, calls: Callable[[], int], limits: Limits
    ) -> None:
        self._protection = protection
        self._calls = calls
        self._limits = limits
        self._is_on = False
        self._needed_until_s = 0.0
        """by the loop's clock, as the other times here"""
        self._renew_at_s = 0.0
        self._ask_at_s = 0.0
        self._refusal = ""

    async def keep(self) -> None:
        """Check until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self.look(loop.time())
            await asyncio.sleep(self._limits.protection_look_every_s)

    async def look(self, now_s: float) -> None:
        """Request protection, or its release, if that differs from what is set now."""
        if self._calls():
            self._needed_until_s = now_s + self._limits.protection_linger_s
        is_needed = now_s < self._needed_until_s
        is_right = is_needed == self._is_on and not (is_needed and now_s >= self._renew_at_s)
        if is_right or now_s < self._ask_at_s:
            return
        try:
            await (self._protect(now_s) if is_needed else self._release())
        except Unavailable as error:
            self._note(error.code)
            self._ask_at_s = now_s + self._limits.protection_retry_s
        else:
            self._note("")

    async def _protect(self, now_s: float) -> None:
        self._is_on, self._renew_at_s = True, now_s  # it may be on even if the answer is lost
        await asyncio.to_thread(self._protection.protect, self._limits.protection_for_min)
        self._renew_at_s = now_s + self._limits.protection_renew_every_s

    async def _release(self) -> None:
        await asyncio.to_thread(self._protection.release)
        self._is_on = False

    def _note(self, refusal: str) -> None:
        """Log a change: each refusal once, and its end."""
        if refusal and refusal != self._refusal:
            _log.warning("the task's protection couldn't be set", extra={"reason": refusal})
        elif self._refusal and not refusal:
            _log.info("the task's protection could be set again")
        self._refusal = refusal


class DrainWatch:
    """Asks twice a minute whether the task is draining, and calls `on_draining` once.

    A draining task keeps its calls for as long as its load balancer allows. It gets no new socket;
    but RTP doesn't come through the load balancer, so its worker must stop offering ports.
    """

    def __init__(self, state: TaskState, on_draining: Callable[[], None], limits: Limits) -> None:
        self._state = state
        self._on_draining = on_draining
        self._limits = limits
        self._failure = ""

    async def keep(self) -> None:
        """Ask until the task is draining, or cancelled."""
        while not await self._is_draining():
            await asyncio.sleep(self._limits.drain_look_every_s)
        _log.info("the task is draining: no more RTP")
        self._on_draining()

    async def _is_draining(self) -> bool:
        try:
            is_draining = await asyncio.to_thread(self._state.is_going)
        except TapedeckError as error:
            if error.code != self._failure:
                _log.warning("the task's state can't be read", extra={"reason": error.code})
            self._failure = error.code
            return False
        self._failure = ""
        return is_draining
