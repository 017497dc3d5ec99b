"""Reading in one go what half a millisecond brought: fewer wake-ups than frames.

Waking up costs more than reading: a loop that wakes for every frame spends most of its time on it.
A nap delays an arrival by its own length at most, a fortieth of a frame. It is no wave (DESIGN 10):
one pauses a socket for ten frames and more, and hides when they came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_LOOK_AGAIN_S = 0.05
"""while there is no socket"""


class Nap:
    """Lets the loop sleep before each look at its sockets, while there are any."""

    def __init__(self, nap_s: float, is_busy: Callable[[], bool]) -> None:
        self._nap_s = nap_s
        self._is_busy = is_busy
        self._handle: asyncio.Handle | None = None

    def start(self) -> None:
        """Begin; a nap of 0 is none."""
        if self._nap_s:
            self._take()

    def stop(self) -> None:
        """End."""
        if self._handle is not None:
            self._handle.cancel()

    def _take(self) -> None:
        loop = asyncio.get_running_loop()
        if self._is_busy():
            time.sleep(self._nap_s)  # threads have the interpreter meanwhile
            self._handle = loop.call_soon(self._take)
        else:
            self._handle = loop.call_later(_LOOK_AGAIN_S, self._take)
