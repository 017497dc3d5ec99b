"""Who was cut for what it sent may come again, but not at once and for ever.

A stream token stands in a document, and may leak. What its holder can do on one socket is bounded
there; this bounds how often it can begin anew. It counts by profile and address, so that a stranger
with the token wears out its own welcome and not the carrier's. Sockets that broke or ended, however
many, count nothing: a carrier whose calls all come back after a fault of the network is welcome.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

KNOWN_MAX = 4096
"""guests that are remembered: the ones who were cut least lately are forgotten first"""


@dataclass(frozen=True, slots=True)
class Guest:
    """A profile whose token was proved, and the address that it came from."""

    account: str
    profile: str
    address: str
    """the load balancer's word for it; empty where there is none. Kept in memory, logged nowhere"""


class Manners:
    """Forgives so many faults at once, then one after the other."""

    def __init__(self, at_once: int, forgiven_s: float) -> None:
        self._at_once = at_once
        self._forgiven_s = forgiven_s
        self._faults: OrderedDict[Guest, tuple[float, float]] = OrderedDict()
        """how many weren't forgiven yet, and when that was so"""

    def wait_s(self, guest: Guest, now_s: float) -> float:
        """Return how long a guest has to wait, 0 where it may come in."""
        return max(0.0, self._left(guest, now_s) - self._at_once + 1) * self._forgiven_s

    def blame(self, guest: Guest, now_s: float) -> None:
        """Note that a guest's socket was cut for what it sent."""
        self._faults[guest] = (self._left(guest, now_s) + 1, now_s)
        self._faults.move_to_end(guest)
        if len(self._faults) > KNOWN_MAX:
            self._faults.popitem(last=False)

    def _left(self, guest: Guest, now_s: float) -> float:
        faults, at_s = self._faults.get(guest, (0.0, now_s))
        return max(0.0, faults - (now_s - at_s) / self._forgiven_s)
