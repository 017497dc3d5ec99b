"""What a living worker does about one that it can't reach: the sweeper would, a minute later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.port_values import Lease
from chalicelib.recording.model import CallRef
from chalicelib.services.dead_workers import Clearing, confirm_dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Heirs:
    """The port DeadWorkers. Both may be done again, and at once with the sweeper."""

    clearing: Clearing
    """acts as the owner"""
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    """sleeps that many seconds"""

    def outlive(self, worker: str) -> bool:
        """Look at a worker's lease for 14 s, and declare it dead where it renews nothing; tell
        whether it is over. Raises Unavailable: then nobody is dead."""
        lease = self._lease(worker)
        if lease is None or lease.over:
            return lease is not None
        dead = confirm_dead([lease], self.clearing.leases, self.wait)
        return any(self.clearing.bury(one) for one in dead)

    def end_streams(self, worker: str, call: CallRef) -> None:
        """End what a worker that is over left of a call. Raises Unavailable."""
        lease = self._lease(worker)
        if lease is None or not lease.over:
            return
        for stream in self.clearing.control.calls.streams(call.key):
            if stream.worker == worker and stream.ended_at is None:
                self.clearing.clear_stream(stream, lease, self.now())

    def _lease(self, worker: str) -> Lease | None:
        found = [one for one in self.clearing.leases.all() if one.worker == worker]
        return found[0] if found else None
