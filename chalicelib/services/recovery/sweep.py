"""Ends every minute whatever a crash or a silent peer left open.

The index of due work leads to late rows, leases lead to dead workers. Each step is conditional and
may run twice; a failed step is counted and left to the next sweep. The work of one sweep is bounded
in number and in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from chalicelib.errors import NewerForm, TapedeckError
from chalicelib.ports.aws import MediaStore
from chalicelib.ports.rows import DueWork, Leases, LiveStreams, Mailbox, Outbox
from chalicelib.ports.values import Due, DueKind, Lease
from chalicelib.recording.liveness import suspects
from chalicelib.services.calls.call_lifecycle import CallController
from chalicelib.services.calls.newer import LEFT
from chalicelib.services.erasure.erase import Eraser
from chalicelib.services.recovery.dead_workers import DeadWorkerCleaner, confirm_dead
from chalicelib.services.recovery.journals import delete_covered
from chalicelib.services.recovery.overdue import OverdueHandler, WorkerList

LARGEST_WORK = 400
"""due rows that one sweep looks at, the longest due first"""

TIME_LIMIT = timedelta(seconds=80)
"""of the 120 s that its function has; looking at suspects takes 14 s of the rest"""

FAILURES = "failures"
POSTPONED = "postponed"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Runs one sweep a minute."""

    control: CallController
    """writes as the sweeper"""
    due_work: DueWork
    outbox: Outbox
    leases: Leases
    live_streams: LiveStreams
    media: MediaStore
    erasing: Eraser
    mailbox: Mailbox
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    """sleeps that many seconds"""

    def sweep(self) -> Mapping[str, int]:
        """Do what is due and return the count of each kind of work; the next sweep retries
        `failures`.

        Raises Unavailable where the leases can't be read: then no worker can be declared dead.
        """
        run = _Sweep(self)
        leases = self.leases.all()
        run.clear([lease for lease in leases if lease.over])
        # Before the due work: a ripe erasure then finds the covered journal objects already gone.
        run.delete_journals([lease for lease in leases if not lease.over])
        run.catch_up(WorkerList(workers={lease.worker for lease in leases}, read_at=run.begun_at))
        suspected = suspects(leases, run.begun_at)
        run.retap(suspected)
        dead = confirm_dead(suspected, self.leases, self.wait)
        run.clear([lease for lease in dead if run.declare_dead(lease)])
        return run.counts


class _Sweep:
    """One sweep: its start, its counts, and its steps. A failing step stops no other."""

    def __init__(self, needs: Sweeper) -> None:
        self.begun_at = needs.now()
        self.counts: Counter[str] = Counter()
        self._needs = needs
        self._late = OverdueHandler(
            control=needs.control,
            outbox=needs.outbox,
            erasing=needs.erasing,
            mailbox=needs.mailbox,
        )
        self._clearing = DeadWorkerCleaner(
            control=needs.control,
            leases=needs.leases,
            live_streams=needs.live_streams,
            media=needs.media,
        )

    def catch_up(self, roll: WorkerList) -> None:
        """Handle the due rows."""
        for due in self._in_time(self._due()):
            if done := self._try(partial(self._look_after, due, roll), ""):
                self.counts[done] += 1

    def delete_journals(self, living: Iterable[Lease]) -> None:
        """Delete what living workers' segments cover."""
        for lease in self._in_time(living):
            deleted = self._try(partial(delete_covered, lease, self._needs.media), 0)
            self.counts["journal_objects"] += deleted

    def retap(self, suspected: Iterable[Lease]) -> None:
        """Have carriers tap again what suspects held, in case no living worker did so."""
        start = self._needs.control.transitions.workflows.start_retaps
        for lease in suspected:
            self._try(partial(start, lease.worker, lease.renewals), None)

    def declare_dead(self, lease: Lease) -> bool:
        """Declare a worker dead and join the streams that only its journal has; return success."""
        is_dead = self._try(partial(self._clearing.declare_dead, lease), False)
        self.counts["dead_workers"] += is_dead
        if is_dead:
            self._try(partial(self._adopt, lease), 0)
        return is_dead

    def clear(self, over: Iterable[Lease]) -> None:
        """End the streams of workers that are over; forget a worker whose streams are through."""
        for lease in self._in_time(over):
            self.counts["journal_objects"] += self._try(partial(self._clear, lease), 0)

    def _clear(self, lease: Lease) -> int:
        held = self._needs.live_streams.of_worker(lease.worker)
        through = 0
        for stream in self._in_time(held):
            step = partial(self._clearing.clear_stream, stream, lease, self._needs.now())
            through += self._try(step, False)
        self.counts["streams_cleared"] += through
        if through < len(held) or self._needs.live_streams.unreadable(lease.worker):
            return 0
        # Once more: the first adoption may have failed, and now the journal is deleted.
        return 0 if self._adopt(lease) else self._clearing.clear_journal(lease)

    def _adopt(self, lease: Lease) -> int:
        adopted = self._clearing.adopt(lease)
        self.counts["streams_adopted"] += adopted
        return adopted

    def _due(self) -> list[Due]:
        return self._try(partial(self._needs.due_work.due, self.begun_at, LARGEST_WORK), [])

    def _look_after(self, due: Due, roll: WorkerList) -> str:
        now = self._needs.now()
        if due.kind is DueKind.CALL:
            return self._late.call(due.key, roll, now)
        if due.kind is DueKind.RECORDING:
            return self._late.recording(due.key, now)
        return self._late.callback(due.key, due.number, now)

    def _in_time(self, steps: Iterable[T]) -> Iterator[T]:
        """Yield steps while there is time for them."""
        for step in steps:
            if self._needs.now() - self.begun_at > TIME_LIMIT:
                self.counts[POSTPONED] += 1
                return
            yield step

    def _try(self, step: Callable[[], T], otherwise: T) -> T:
        """Return the result of a step; count a failed one, and one that is left to newer code."""
        try:
            return step()
        except NewerForm:
            self.counts[LEFT] += 1
            return otherwise
        except TapedeckError:
            self.counts[FAILURES] += 1
            return otherwise
