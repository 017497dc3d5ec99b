"""What a living worker does about a dead one: the sweeper would, a minute later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.ports.values import Closing, Lease
from chalicelib.recording.model import Stream
from chalicelib.services.calls.newer import is_known_stream
from chalicelib.services.recovery.dead_workers import Clearing


@dataclass(frozen=True, slots=True, kw_only=True)
class Heirs:
    """The port DeadWorkers. All may be done again, and at once with other heirs or the sweeper."""

    clearing: Clearing
    """acts as the owner"""
    now: Callable[[], datetime]

    def declare_dead(self, lease: Lease) -> Sequence[Stream]:
        """Declare a worker dead; return what it held, nothing where it lives. What only newer code
        can end is left to that.

        Raises Unavailable.
        """
        if not self.clearing.declare_dead(lease):
            return ()
        held = self.clearing.live_streams.of_worker(lease.worker)
        return [stream for stream in held if is_known_stream(stream)]

    def end_stream(self, stream: Stream, lease: Lease) -> Closing:
        """End a stream of a worker that is over, and close its call where its time has come.

        Raises Unavailable.
        """
        return self.clearing.end_stream(stream, lease, self.now())
