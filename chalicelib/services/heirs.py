"""What living workers do about dead ones: the sweeper would, a minute later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.port_values import Closing, Lease
from chalicelib.recording.model import Stream
from chalicelib.services.dead_workers import FRESH, Clearing, still_silent, suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class Heirs:
    """The port DeadWorkers. All may be done again, and at once with other heirs or the sweeper."""

    clearing: Clearing
    """acts as the owner"""
    now: Callable[[], datetime]
    fresh: timedelta = FRESH

    def suspects(self) -> Sequence[Lease]:
        """Return the leases that are worth a longer look. Raises Unavailable."""
        return suspects(self.clearing.leases.all(), self.now(), self.fresh)

    def still_silent(self, suspected: Iterable[Lease]) -> Sequence[Lease]:
        """Return those who renewed nothing since they were read. Raises Unavailable: an observer
        who couldn't read may be the one who is cut off."""
        return still_silent(suspected, self.clearing.leases)

    def bury(self, lease: Lease) -> Sequence[Stream]:
        """Declare a worker dead; return what it held, nothing where it lives.

        Raises Unavailable.
        """
        if not self.clearing.bury(lease):
            return ()
        return self.clearing.live_streams.of_worker(lease.worker)

    def end_stream(self, stream: Stream, lease: Lease) -> Closing:
        """End a stream of a worker that is over, and close its call where its time has come.
        Raises Unavailable."""
        return self.clearing.end_stream(stream, lease, self.now())
