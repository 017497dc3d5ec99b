"""The task's protection from scale-in: on while the worker has calls, renewed, then off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chalicelib.errors import Unavailable
from chalicelib.ports.aws import TaskProtection
from chalicelib.sink.runtime.limits import Limits

_log = logging.getLogger(__name__)


class ScaleInProtection:
    """Looks every second whether there are calls, and asks until it is granted what they need.

    A refusal is no ailment of the worker: its calls are recorded all the same. ECS refuses while
    more tasks are protected than desired; calls then have what is left of the protection.
    """

    def __init__(
        self, protection: TaskProtection, calls: Callable[[], int], limits: Limits
    ) -> None:
        self._protection = protection
        self._calls = calls
        self._limits = limits
        self._is_on = False
        self._needed_until_s = 0.0
        """by the loop's clock, as the rest"""
        self._renew_at_s = 0.0
        self._ask_at_s = 0.0
        self._refusal = ""

    async def keep(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self.look(loop.time())
            await asyncio.sleep(self._limits.protection_look_every_s)

    async def look(self, now_s: float) -> None:
        """Ask for what is needed now, by a clock of seconds, where that isn't what there is."""
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
        self._is_on, self._renew_at_s = True, now_s  # it may be, where only the answer is lost
        await asyncio.to_thread(self._protection.protect, self._limits.protection_for_min)
        self._renew_at_s = now_s + self._limits.protection_renew_every_s

    async def _release(self) -> None:
        await asyncio.to_thread(self._protection.release)
        self._is_on = False

    def _note(self, refusal: str) -> None:
        """Tell the log what changed: a refusal once, and that it is over."""
        if refusal and refusal != self._refusal:
            _log.warning("the task's protection couldn't be set", extra={"reason": refusal})
        elif self._refusal and not refusal:
            _log.info("the task's protection could be set again")
        self._refusal = refusal
