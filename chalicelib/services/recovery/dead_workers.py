"""Confirms that workers are dead, and ends what they held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.errors import NotFound, PreconditionFailed
from chalicelib.ports.aws import MediaStore
from chalicelib.ports.rows import Leases, LiveStreams
from chalicelib.ports.values import CloseResult, Lease
from chalicelib.recording import lifecycle
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.liveness import CONFIRM_EVERY_S, CONFIRMATIONS, still_silent
from chalicelib.recording.model import Recording, Stream
from chalicelib.services.calls.call_lifecycle import CallController
from chalicelib.services.calls.newer import is_known_stream, verify_known
from chalicelib.services.recovery.journals import LARGEST_DELETION, delete_journal
from chalicelib.services.recovery.orphans import OrphanAdopter

JOURNAL_KEPT = timedelta(days=3)
"""the media bucket's lifecycle rule for journals: after that there is nothing left to wait for"""


def confirm_dead(
    suspected: list[Lease], leases: Leases, wait: Callable[[float], None]
) -> list[Lease]:
    """Read the leases again and return the suspects that never renewed. Raises Unavailable: an
    observer that can't read may itself be the one that is cut off, so nobody is dead then."""
    for _ in range(CONFIRMATIONS):
        if not suspected:
            return []
        wait(CONFIRM_EVERY_S)
        suspected = still_silent(suspected, leases.all())
    return suspected


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadWorkerCleaner:
    """Ends what a dead or released worker left behind."""

    control: CallController
    leases: Leases
    live_streams: LiveStreams
    media: MediaStore

    def declare_dead(self, lease: Lease) -> bool:
        """Declare a worker dead; return False if it renewed at the last moment."""
        try:
            self.leases.declare_dead(lease)
        except PreconditionFailed:
            return False
        return True

    def clear_stream(self, stream: Stream, lease: Lease, now: datetime) -> bool:
        """End a stream of a worker that is over, close its call, and return whether the stream is
        through, so that it no longer needs the worker's journal."""
        closing = self.end_stream(stream, lease, now)
        if not closing.closed or not self._is_through(stream, now):
            return False
        self.live_streams.forget(stream)
        return True

    def end_stream(self, stream: Stream, lease: Lease, now: datetime) -> CloseResult:
        """End a stream of a worker that is over, and close its call if nothing holds it open.
        Raises NewerForm for a stream that only newer code can end."""
        verify_known([stream])
        if stream.ended_at is None:
            self._complete_joining(stream)
            self.control.lose_stream(stream, max(lease.renewed_at or now, stream.opened_at))
        return self.control.close_call(stream.call, stream.round, now)

    def adopt(self, lease: Lease) -> int:
        """Join the streams that a worker captured and never joined; return their number. Reads as
        much of its journal as `clear_journal` deletes."""
        return OrphanAdopter(control=self.control, media=self.media).adopt(lease.worker)

    def clear_journal(self, lease: Lease) -> int:
        """Delete the journal of a worker whose streams are through, and forget the worker once it
        is empty; return the number of deleted objects."""
        deleted = delete_journal(lease.worker, self.media)
        if deleted < LARGEST_DELETION:
            self.leases.forget(lease.worker)
        return deleted

    def _complete_joining(self, stream: Stream) -> None:
        """Start the recordings that the stream's worker died too early to start."""
        call = self.control.calls.get(stream.call.key)
        if not call.open or call.round != stream.round:
            return
        try:
            profile = self.control.profiles.get(stream.call.account, call.profile)
        except NotFound:
            return
        self.control.rounds.start(call, profile, stream)

    def _is_through(self, stream: Stream, now: datetime) -> bool:
        if now - stream.opened_at > 2 * JOURNAL_KEPT:
            return True
        recordings = self.control.transitions.recordings.of_call(stream.call.key)
        return not any(_needs_media(r) for r in recordings if r.round == stream.round)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverController:
    """Implements the port DeadWorkers: takes over from a dead worker before the sweeper would.

    Every step may run again, and at the same time in other workers and in the sweeper.
    """

    clearing: DeadWorkerCleaner
    """acts as the owner of calls"""
    now: Callable[[], datetime]

    def declare_dead(self, lease: Lease) -> Sequence[Stream]:
        """Declare a worker dead and return the streams it held; none if it still lives.

        Leaves out streams that only newer code can end.

        Raises Unavailable.
        """
        if not self.clearing.declare_dead(lease):
            return ()
        held = self.clearing.live_streams.of_worker(lease.worker)
        return [stream for stream in held if is_known_stream(stream)]

    def end_stream(self, stream: Stream, lease: Lease) -> CloseResult:
        """End a stream of a worker that is over, and close its call if nothing holds it open.

        Raises Unavailable.
        """
        return self.clearing.end_stream(stream, lease, self.now())


def _needs_media(recording: Recording) -> bool:
    """Whether a recording may still be made, or made again, from what is stored."""
    if recording.erasure is not None:
        return False
    if not lifecycle.is_terminal(recording.state):
        return True
    if lifecycle.is_finished(recording.state) or recording.reason == Cause.EMPTY:
        return False
    return recording.attempt > 0
