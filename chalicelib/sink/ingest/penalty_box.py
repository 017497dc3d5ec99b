"""Rate-limits reconnects of peers that were disconnected for protocol violations.

A stream token is part of a document, and may leak. The server bounds what its holder can do on one
socket; this module bounds how often it can open another. It counts by profile and address, so that
a stranger with the token locks out itself and leaves the carrier alone. Sockets that broke or ended
count nothing, however many: after a network fault all calls of a carrier may come back at once.

By hand: packages that limit rates count requests; this module counts faults, in bounded memory.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

KNOWN_MAX = 4096
"""peers that are remembered; the one whose last violation is the oldest is forgotten first"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A profile whose token was verified, and the address that its holder connects from."""

    account: str
    profile: str
    address: str
    """as the load balancer reports it; empty without one. Kept in memory, never logged"""


class PenaltyBox:
    """Forgives a number of violations at once, and later ones at a fixed rate."""

    def __init__(self, at_once: int, forgiven_s: float) -> None:
        self._at_once = at_once
        self._forgiven_s = forgiven_s
        self._faults: OrderedDict[Peer, tuple[float, float]] = OrderedDict()
        """the number that wasn't forgiven yet, and at what time"""

    def wait_s(self, peer: Peer, now_s: float) -> float:
        """Return how long a peer must wait before it may connect; 0: not at all."""
        return max(0.0, self._left(peer, now_s) - self._at_once + 1) * self._forgiven_s

    def penalize(self, peer: Peer, now_s: float) -> None:
        """Count a violation of a peer: its socket was cut for what it sent."""
        self._faults[peer] = (self._left(peer, now_s) + 1, now_s)
        self._faults.move_to_end(peer)
        if len(self._faults) > KNOWN_MAX:
            self._faults.popitem(last=False)

    def _left(self, peer: Peer, now_s: float) -> float:
        faults, at_s = self._faults.get(peer, (0.0, now_s))
        return max(0.0, faults - (now_s - at_s) / self._forgiven_s)
