"""Computes how long a call stays open for another stream after its last one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.recording.model import Ending, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Graces:
    """The time in which another stream of the call may follow, by how the last one ended."""

    stopped: timedelta = timedelta(0)
    closed: timedelta = timedelta(seconds=3)
    broken: timedelta = timedelta(seconds=20)
    dead: timedelta = timedelta(seconds=20)

    def of(self, ending: Ending) -> timedelta:
        """Return the grace of one ending."""
        return {
            Ending.STOPPED: self.stopped,
            Ending.CLOSED: self.closed,
            Ending.BROKEN: self.broken,
            Ending.DEAD: self.dead,
        }[ending]


def closes_at(streams: Sequence[Stream], graces: Graces) -> datetime | None:
    """Return when a round of these streams may close; None: not while one lives, or none came.

    A stream whose tracks another one took over leaves no grace of its own.
    """
    ends: list[datetime] = []
    for stream in streams:
        if stream.ended_at is None:
            return None
        if not any(_takes_over(other, stream) for other in streams):
            ends.append(stream.ended_at + graces.of(stream.ending or Ending.BROKEN))
    return max(ends, default=None)


def ended_at(streams: Sequence[Stream]) -> datetime | None:
    """Return when the last of these streams ended; None: none did."""
    return max((stream.ended_at for stream in streams if stream.ended_at), default=None)


def _takes_over(later: Stream, earlier: Stream) -> bool:
    return later.opened_at > earlier.opened_at and set(earlier.tracks) <= set(later.tracks)
