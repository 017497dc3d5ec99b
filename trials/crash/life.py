"""A call's whole life over ports that may fail or kill at any call: recorded, tapped, finalized,
delivered, swept; and whether what came of it is what was promised."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.capture.events import Encoding, Track
from chalicelib.errors import PreconditionFailed, TapedeckError, Unavailable
from chalicelib.ports.values import JoinRequest
from chalicelib.recording import lifecycle
from chalicelib.recording.model import Direction, Ending, RecordOptions, State
from chalicelib.services.delivery import deliver
from chalicelib.services.finalization.assemble import Assembled, Outcome, assemble
from chalicelib.services.finalization.publish import Publishing, mark_error, publish, publish_empty
from chalicelib.tapping.model import TapOptions, TapRequest
from tests.captured import CALL, OPENED_US, Tape, noise
from tests.fake_signer import FakeSigner
from tests.fakes import FakeEventBus
from tests.fakes_media import FakeMediaStore, FakeRenditionStore
from tests.samples import a_joining, a_lease, a_profile
from tests.services.core_desk import Desk
from tests.services.recovery.test_sweep import World
from trials.crash.clock import Clock, Process
from trials.crash.cloud import Cloud
from trials.crash.receiver import NEW, OLD, Receiver

BEGIN = datetime.fromtimestamp(OPENED_US / 1_000_000, UTC)
WORKER = "worker-1"
SECONDS = 3
"""of media"""
LIMIT = timedelta(hours=6)
"""a life that isn't over then hangs"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Where a life is disturbed: at its n-th port call."""

    call: int
    acts: bool = False
    """it takes effect, and nobody hears of it"""
    kind: type[BaseException] = Unavailable
    outage_s: float = 0.0
    """all ports are away from then on, for so long"""
    twins: bool = False
    """no fault: just before that call, a second start of all that was started runs a step"""


class Sweeper(World):
    """A sweeper whose waiting lets others live on."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(desk)
        self._clock = clock

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._clock.pass_s(seconds)
        self.now = self._clock.now


class Life:
    """One call from its first sample to its last callback."""

    def __init__(self, *, refuses_first: bool = False) -> None:
        self.clock = Clock(BEGIN)
        self.cloud = Cloud(self.clock, self)
        profile = a_profile(record_call=RecordOptions(stereo=True))
        desk = Desk(profile, self.cloud, self._now)
        self.core, self.control, self.faults = desk.core, desk.control, desk.core.faults
        self._sweeper = Sweeper(desk, self.clock)
        self.media, self.renditions = self._sweeper.media, FakeRenditionStore()
        self.receiver = Receiver(self.is_owed, refuses_first)
        self.bus = FakeEventBus()
        self.struck = 0
        """faults that came before all was over"""
        self.calls = 0
        """of ports, when it was over"""
        self.stored = 0
        """seconds of media that the worker knows to be stored"""
        self._wire()
        self.clock.start(self._worker())
        self.clock.start(self.cloud.sweep_every_minute())

    # --- what happens

    def run(self, *faults: Fault) -> None:
        """Live, each fault that many port calls after the one before, until nothing is open."""
        self._plan(list(faults))
        while not self.is_over():
            self.clock.pass_s(60)
            if self.clock.now - BEGIN > LIMIT:
                break
        self.calls = self.faults.calls
        self.faults.up()

    def _plan(self, faults: list[Fault]) -> None:
        """Let the first fault wait for its call, and the next one for its own after that."""
        if faults:
            self.faults.meanwhile(faults[0].call, lambda: self._strike(faults[0], faults[1:]))

    def _strike(self, fault: Fault, left: list[Fault]) -> None:
        """Let the call that is about to be made be the one."""
        self.struck += 1
        self.faults.kind = fault.kind
        if fault.twins:
            self._run_twins()
        elif fault.outage_s:
            self.faults.down()
            self.clock.start(self._end_of_outage(), fault.outage_s)
        else:
            (self.faults.after if fault.acts else self.faults.before)(1)
        self._plan(left)

    def _run_twins(self) -> None:
        for kind, *names in sorted(self.cloud.started, key=str):
            with suppress(TapedeckError):
                if kind == "finalization":
                    recording_id, attempt = names
                    self.publish(recording_id, self.assemble(recording_id, attempt).outcome)
                else:
                    self.attempt(*names[:2])

    def _end_of_outage(self) -> Process:
        self.faults.up()
        yield from ()

    def is_over(self) -> bool:
        """Whether nothing is open, due or forgotten."""
        store = self.core.store
        rows = store.outbox.values()
        return (
            self.clock.now - BEGIN > timedelta(minutes=4)
            and all(lifecycle.is_terminal(r.state) for r in store.recordings.values())
            and all(row.delivered_at is not None or row.given_up for row in rows)
            and not any(call.open for call in store.calls.values())
            and all(lease.over for lease in store.leases.values())
            and not self._is_orphaned()
        )

    def _is_orphaned(self) -> bool:
        """Whether media lies there that no call has yet."""
        return bool(self.media.objects) and not self.core.store.recordings

    # --- the processes

    def _worker(self) -> Process:
        """The sink's task: it captures, joins, taps, stores, ends; what kills a step kills it."""
        drafts = FakeMediaStore()
        tape = Tape(
            media=drafts, worker=WORKER, stream_key="stream-1", profile="front", said=Encoding.PCMU
        )
        yield from self._renewed(1)
        yield from _patiently(lambda: self.control.join_call(_joining()))
        yield from _patiently(self._tap)
        for second in range(SECONDS):
            for seed, track in enumerate((Track.INBOUND, Track.OUTBOUND)):
                tape.hear(track, noise(8000, 10 * second + seed), second)
            yield 1.0
            tape.commit()
            yield from self._stored(drafts)
            yield from self._renewed(2 + second)
        tape.close_segment()
        yield from self._stored(drafts)
        yield from _patiently(self._end)
        yield from _patiently(lambda: self.core.leases.release(WORKER))

    def _renewed(self, renewals: int) -> Generator[float, None, None]:
        lease = a_lease(worker=WORKER, renewals=renewals, renewed_at=self.clock.now)
        with suppress(PreconditionFailed):  # it was declared dead in an outage
            yield from _patiently(lambda: self.core.leases.renew(lease))

    def _stored(self, drafts: FakeMediaStore) -> Generator[float, None, None]:
        """Put what is new; a put that was in vain comes again with the same bytes."""
        for key, body in list(drafts.objects.items()):
            yield from _patiently(partial(self._bucket.put, key, body))
            self.stored += key.startswith("journal/")
        drafts.objects.clear()

    @property
    def was_stored(self) -> bool:
        """Whether any media was stored, so that it can't be lost."""
        return self.stored > 0

    @property
    def was_stored_whole(self) -> bool:
        """Whether all media was."""
        return self.stored == SECONDS

    def _tap(self) -> None:
        request = TapRequest(
            call=CALL,
            control_id="tap-1",
            options=TapOptions(uri="rtp://8.8.8.8:12345", direction=Direction.BOTH),
            worker=WORKER,
            at=self.clock.now,
        )
        self.control.taps.begin(request, "8.8.4.4", 20_000)

    def _end(self) -> None:
        self.control.end_stream(CALL, "stream-1", Ending.STOPPED, self.clock.now)
        self.control.close_call(CALL, 1, self.clock.now)

    # --- what they work with

    def _wire(self) -> None:
        wrap, core = self.faults.wrap, self.core
        self._bucket = wrap(self.media)
        self._publishing = Publishing(
            calls=core.calls,
            transitions=self.control.transitions,
            renditions=wrap(self.renditions),
            signer=wrap(FakeSigner()),
            now=self._now,
        )

    def _now(self) -> datetime:
        return self.clock.now

    # --- the functions

    def assemble(self, recording_id: str, attempt: int) -> Assembled:
        """The function of that name."""
        return assemble(
            recording_id,
            attempt,
            recordings=self.core.recordings,
            calls=self.core.calls,
            media=self._bucket,
            renditions=self._publishing.renditions,
            encoder=FileEncoder(),
            now=self._now,
        )

    def publish(self, recording_id: str, outcome: Outcome) -> None:
        """The function of that name."""
        end = publish_empty if outcome is Outcome.EMPTY else publish
        end(recording_id, self._publishing)

    def mark_error(self, recording_id: str, attempt: int, error: str) -> None:
        """The function of that name."""
        mark_error(recording_id, attempt, error, self._publishing)

    def attempt(self, recording_id: str, webhook_id: str) -> deliver.Outcome:
        """The function of that name."""
        deliverer = deliver.Deliverer(
            outbox=self.core.outbox,
            history=self.core.history,
            receivers=self.core.receivers,
            sender=self.faults.wrap(self.receiver),
            bus=self.faults.wrap(self.bus),
            secrets=lambda: [NEW, OLD],
            now=self._now,
            jitter=lambda: 0.5,
            wait_scale=1.0,
        )
        return deliverer.attempt(recording_id, webhook_id)

    def sweep(self) -> None:
        """The function of that name."""
        self._sweeper.sweep(self.clock.now)

    def is_owed(self, webhook_id: str, url: str, body: bytes) -> bool:
        """Whether a message is one that a row owes, and what it tells can be had."""
        rows = self.core.store.outbox.values()
        row = next((row for row in rows if row.webhook_id == webhook_id), None)
        if row is None or (row.url, row.body.encode()) != (url, body):
            return False
        if row.state != State.FINISHED or row.recording_id not in self.core.store.recordings:
            return True
        made = self.core.store.recordings[row.recording_id].renditions
        return bool(made) and all(one.key in self.renditions.objects for one in made)


def _joining() -> JoinRequest:
    return a_joining(opened_at=BEGIN, journal_from=0)


def _patiently(step: Callable[[], object]) -> Generator[float, None, None]:
    """Run a step until it comes to its end, as the sink does."""
    while True:
        try:
            step()
        except Unavailable:
            yield 1.0
        else:
            return
