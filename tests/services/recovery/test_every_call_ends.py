"""Whatever happens to a call, its workers, its webhooks, its executions and their database: it
ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from chalicelib.carriers.contract.call_api import Standing
from chalicelib.carriers.contract.webhook import StreamState
from chalicelib.errors import NotFound, PreconditionFailed, Unavailable
from chalicelib.recording import lifecycle
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Ending
from chalicelib.services.finalization.attempts import MAX_ATTEMPTS
from chalicelib.services.finalization.publish import Publishing, mark_error, publish_empty
from chalicelib.services.intake.intake import ReceivedEvent
from chalicelib.services.recovery.call_status import CallStatusChecker
from tests.fake_signer import FakeSigner
from tests.fakes_media import FakeRenditionStore
from tests.samples import CALL, a_joining, a_profile, later
from tests.services.intake.test_intake import stores, stream_event
from tests.services.recovery.test_call_status import DOOR, FakeApi
from tests.services.recovery.test_sweep import World

WORKERS = ("worker-1", "worker-2")
PROMISED_MIN = 15
"""after the end of the call: kept where executions answer, also when some of them fail, and
where one is silent"""
SILENT_TOO_MIN = 30
"""where one is silent, and others fail or the carrier is late to tell"""
TOLD = (None, 0, 4)
"""minutes after its end from which on a carrier says that a call is over"""
RUNS: list[int] = []
"""minutes that each run took, for who runs the machine to tell"""
ENDINGS = [Ending.STOPPED, Ending.CLOSED, Ending.BROKEN]


class EveryCallEnds(RuleBasedStateMachine):
    """Streams come and go on two workers; anything may fail or be forgotten; the sweeper sweeps."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.seconds = 0.0
        self.renewals = dict.fromkeys(WORKERS, 0)
        self.dead: set[str] = set()
        self.live: dict[str, str] = {}
        self.streams = 0
        self.ended: list[tuple[str, int]] = []
        """whose streams ended: a worker's name, the call's round"""
        self.published = 0
        self.failed = 0
        self.needs = Publishing(
            calls=self.world.desk.core.calls,
            transitions=self.world.desk.transitions,
            renditions=FakeRenditionStore(),
            signer=FakeSigner(),
            now=lambda: self.world.now,
        )
        self.world.while_waiting = self.renew
        self.renew()

    def renew(self) -> None:
        """Let living workers renew their leases."""
        for worker in WORKERS:
            if worker not in self.dead:
                self.renewals[worker] += 1
                at = (self.world.now - later(0)).total_seconds()
                try:
                    self.world.lease(worker, self.renewals[worker], at)
                except Unavailable:
                    continue
                except PreconditionFailed:
                    self.die(worker)

    def die(self, worker: str) -> None:
        """Let a worker end, and its streams with it."""
        self.dead.add(worker)
        self.live = {key: owner for key, owner in self.live.items() if owner != worker}

    def quietly(self, step: Callable[[], object]) -> bool:
        """Run a step that may meet a fault; tell whether it came to its end."""
        try:
            step()
        except (Unavailable, NotFound):
            return False
        return True

    @initialize(fails=st.integers(0, 3), starts_fail=st.booleans(), told_min=st.sampled_from(TOLD))
    def a_call_begins(self, fails: int, starts_fail: bool, told_min: int | None) -> None:
        """Begin with a live call; so many of the last executions will fail, or never start. At its
        end its sockets stay open, and its carrier says so minutes later, when it is asked for them;
        None: its workers die."""
        self.last_fails, self.last_starts_fail, self.told_min = fails, starts_fail, told_min
        self.a_stream_joins(WORKERS[0], captured=False, claims_over_epoch=0)

    @rule(seconds=st.sampled_from([1.0, 5.0, 20.0, 120.0]))
    def time_passes(self, seconds: float) -> None:
        """Move the clock."""
        self.seconds += seconds
        self.world.now = later(self.seconds)
        self.renew()

    @rule(n=st.integers(1, 12), acts=st.booleans())
    def a_fault_waits(self, n: int, acts: bool) -> None:
        """Let one of the next port calls fail."""
        faults = self.world.desk.core.faults
        (faults.after if acts else faults.before)(n)

    @rule(
        worker=st.sampled_from(WORKERS),
        captured=st.booleans(),
        claims_over_epoch=st.sampled_from((0, 9)),
    )
    def a_stream_joins(self, worker: str, captured: bool, claims_over_epoch: int) -> None:
        """Let a living worker join a stream; one whose joining fails may never come again. It may
        be captured already, or claim the call; else it is the owner's to join."""
        if worker in self.dead:
            return
        self.streams += 1
        key = f"stream-{self.streams}"
        joining = a_joining(
            stream_key=key,
            carrier_stream_id=f"s-{self.streams}",
            worker=worker,
            opened_at=self.world.now,
            is_captured=captured,
            claims_over_epoch=claims_over_epoch,
        )
        self.quietly(lambda: self.world.desk.control.join_call(joining))
        if (CALL.key, key) in self.world.desk.core.store.streams:
            self.live[key] = worker

    @rule(state=st.sampled_from(StreamState), which=st.integers(1, 5), late_s=st.integers(0, 120))
    def a_webhook_comes(self, state: StreamState, which: int, late_s: int) -> None:
        """Let the carrier say something of a stream, late, wrong or too early; all that it doesn't
        say is lost. What fails isn't durable, and the carrier doesn't repeat it."""
        said_at = (self.world.now - later(0)).total_seconds() - late_s
        event = stream_event(state, said_at, f"s-{which}")
        received = ReceivedEvent(
            event=event,
            profile=a_profile(),
            at=self.world.now,
            announced_for=timedelta(seconds=15),
        )
        self.quietly(lambda: stores(self.world.desk.core).take_in(received))

    @precondition(lambda self: self.live)
    @rule(ending=st.sampled_from(ENDINGS), closes=st.booleans(), which=st.integers(0, 9))
    def a_stream_ends(self, ending: Ending, closes: bool, which: int) -> None:
        """Let a stream end; its worker may not come to close the call before the end of all."""
        key = sorted(self.live)[which % len(self.live)]
        control, at = self.world.desk.control, self.world.now
        while not self.quietly(lambda: control.end_stream(CALL, key, ending, at)):
            continue
        owner = self.live.pop(key)
        round_ = self.world.desk.core.store.streams[CALL.key, key].round
        self.ended.append((owner, round_))
        if closes:
            self.quietly(lambda: control.close_call(CALL, round_, at))

    @rule(worker=st.sampled_from(WORKERS))
    def a_worker_dies(self, worker: str) -> None:
        """Let a worker die without a word."""
        self.die(worker)

    @rule()
    def a_recording_reaches_its_length(self) -> None:
        """End one live recording in the middle of its call."""
        end = self.world.desk.control.end_recording
        capturing = [
            recording.recording_id
            for recording in self.world.desk.recordings()
            if lifecycle.is_capturing(recording.state)
        ]
        if capturing and self.live:
            self.quietly(lambda: end(capturing[0], Cause.MAX_LENGTH, self.world.now))

    @rule()
    def a_recording_is_discarded(self) -> None:
        """Discard one live recording in the middle of its call."""
        end = self.world.desk.control.end_recording
        live = [r.recording_id for r in self.world.desk.recordings() if lifecycle.is_live(r.state)]
        if live and self.live:
            self.quietly(lambda: end(live[0], Cause.DISCARD, self.world.now))

    @rule(fails=st.booleans())
    def a_finalization_runs(self, fails: bool) -> None:
        """Let the next execution that was started come to an end, good or bad."""
        started = self.world.desk.workflows.finalizations
        if self.published < len(started):
            self.run(*started[self.published], fails=fails)

    def run(self, recording_id: str, attempt: int, *, fails: bool) -> None:
        """Run one execution, as Step Functions does: its last step again until it succeeds."""
        self.published += 1
        self.failed += fails

        def step() -> object:
            if fails:
                return mark_error(recording_id, attempt, "Unavailable", self.needs)
            return publish_empty(recording_id, self.needs)

        while not self.quietly(step):
            continue

    @rule()
    def the_sweeper_sweeps(self) -> None:
        """Sweep once."""
        self.quietly(lambda: self.world.sweep(self.world.now))
        self.seconds = max(self.seconds, (self.world.now - later(0)).total_seconds())

    @invariant()
    def callbacks_are_numbered_without_a_gap(self) -> None:
        """Every state that was told has its number, and no terminal state is told twice."""
        for recording in self.world.desk.recordings():
            rows = self.world.desk.core.store.outbox.values()
            own = [row for row in rows if row.recording_id == recording.recording_id]
            assert sorted(row.number for row in own) == list(range(1, recording.callbacks + 1))
            assert 1 >= sum(lifecycle.is_terminal(row.state) for row in own)

    def teardown(self) -> None:
        """Let the call be over, of which nobody is told, and sweep and finalize every minute."""
        self.world.desk.core.faults.up()
        if self.told_min is None:
            for worker in WORKERS:
                self.die(worker)
        for row in list(self.world.desk.core.store.outbox.values()):
            if row.delivered_at is None:
                done = replace(row, attempts=row.attempts + 1, delivered_at=later(0))
                self.world.desk.core.outbox.record_attempt(done)
        is_late = self.last_fails + self.failed > 0 or (self.told_min or 0) > 0
        is_hard = self.last_starts_fail and is_late
        for minute in range(SILENT_TOO_MIN if is_hard else PROMISED_MIN):
            if self.has_ended():
                RUNS.append(minute)
                break
            self.seconds += 60
            self.world.now = later(self.seconds)
            self.renew()
            self.close_what_is_over()
            self.ask_the_carrier(minute + 1)
            self.quietly(lambda: self.world.sweep(later(self.seconds)))
            self.execute_the_rest()
        else:
            raise AssertionError(self.world.desk.core.store)

    def close_what_is_over(self) -> None:
        """Let living workers close what they ended, as they try until it is done."""
        for owner, round_ in self.ended:
            if owner not in self.dead:
                self.world.desk.control.close_call(CALL, round_, self.world.now)

    def ask_the_carrier(self, minute: int) -> None:
        """Ask for what is silent, as its workers do every two minutes; and let them obey."""
        core, control, at = self.world.desk.core, self.world.desk.control, self.world.now
        is_over = self.told_min is not None and minute >= self.told_min
        needs = CallStatusChecker(
            calls=core.calls,
            profiles=core.profiles,
            mailbox=core.mailbox,
            door=lambda profile: DOOR,
            api=FakeApi(Standing.ENDED if is_over else Standing.LIVE),
            now=lambda: at,
        )
        for key, worker in sorted(self.live.items()) if minute % 2 == 0 else ():
            needs.check(CALL.key, key, worker)
            for command in core.mailbox.waiting(worker):
                control.end_stream(CALL, command.stream_key, Ending.STOPPED, at)
                round_ = self.world.desk.core.store.streams[CALL.key, command.stream_key].round
                control.close_call(CALL, round_, at)
                core.mailbox.remove(command)

    def execute_the_rest(self) -> None:
        """Run what was started; what the last run of all depends on may be silent, or fail."""
        started = self.world.desk.workflows.finalizations
        if self.last_starts_fail and self.published < len(started):
            self.last_starts_fail = False
            # A last attempt that is silent has two hours: it may be at work all the same.
            self.published += started[self.published][1] < MAX_ATTEMPTS
        while self.published < len(started):
            self.last_fails -= 1
            self.run(*started[self.published], fails=self.last_fails >= 0)

    def has_ended(self) -> bool:
        """Whether nothing of the call is left to do."""
        store = self.world.desk.core.store
        discarded = [r.erasure for r in store.recordings.values() if r.reason == Cause.DISCARD]
        return (
            all(lifecycle.is_terminal(r.state) for r in store.recordings.values())
            and not any(call.open for call in store.calls.values())
            and not any(stream.ended_at is None for stream in store.streams.values())
            and all(erasure and erasure.ended_at for erasure in discarded)
        )


EveryCallEnds.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestEveryCallEnds = EveryCallEnds.TestCase
