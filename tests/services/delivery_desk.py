"""A desk for delivery tests: a fake database, a scripted receiver, a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.errors import Unavailable
from chalicelib.ports.values import HttpReply
from chalicelib.recording.endpoint_health import EndpointHealth
from chalicelib.recording.model import State
from chalicelib.recording.outbox import OutboxRow
from chalicelib.services.delivery import deliver
from chalicelib.services.delivery.deliver import Outcome, Postponed
from chalicelib.services.delivery.redeliver import Redeliverer
from tests.fakes import FakeCore, FakeEventBus, FakeWorkflows
from tests.samples import ASKER

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SEND_S = 0.1
FIRST = OutboxRow(
    recording_id="r-1",
    number=1,
    webhook_id="msg_r-1_1",
    state=State.RECORDING,
    url="https://example.com/status",
    body='{"event_type":"calling.call.record"}',
    created_at=NOON,
)
SECOND = replace(FIRST, number=2, webhook_id="msg_r-1_2", state=State.FINISHED)


class Desk:
    """All that a delivery needs; `faults` counts every port's calls, sender and bus included."""

    def __init__(
        self,
        rows: list[OutboxRow],
        *,
        replies: list[HttpReply] | None = None,
        wait_scale: float = 1.0,
    ) -> None:
        self._core = FakeCore()
        self._outbox = self._core.store.outbox
        self._outbox.update({(row.recording_id, row.number): row for row in rows})
        self._replies = list(replies or [])
        self._now = NOON
        self._wait_scale = wait_scale
        self.faults = self._core.faults
        self.bus = FakeEventBus()
        self.bus_failures = 0
        self.secrets = [SECRET]
        self.jitter = 0.5
        self.sent_at: list[datetime] = []
        self.during_send: Callable[[], None] = lambda: None
        self.sent: list[tuple[str, bytes, Mapping[str, str]]] = []

    # --- what a test does

    def attempt(self, row: OutboxRow) -> Outcome:
        deliverer = deliver.Deliverer(
            outbox=self._core.outbox,
            history=self._core.history,
            receivers=self._core.receivers,
            sender=self.faults.wrap(_Receiver(self)),
            bus=self.faults.wrap(_Bus(self)),
            secrets=lambda: self.secrets,
            now=self.now,
            jitter=lambda: self.jitter,
            wait_scale=self._wait_scale,
        )
        return deliverer.attempt(row.recording_id, row.webhook_id)

    def run_to_the_end(self, row: OutboxRow) -> Outcome:
        """Do what the workflow does: attempt, wait, attempt; start again after a death."""
        for _ in range(200):
            try:
                outcome = self.attempt(row)
            except Unavailable:
                self.pass_s(1)
                continue
            if not isinstance(outcome, Postponed):
                return outcome
            self.pass_s(outcome.wait_seconds)
        raise AssertionError("no end in 200 attempts")

    def redeliver(self, row: OutboxRow) -> None:
        """Begin a round, as the API does."""
        redeliverer = Redeliverer(
            outbox=self._core.outbox,
            history=self._core.history,
            receivers=self._core.receivers,
            workflows=FakeWorkflows(),
            now=self.now,
        )
        redeliverer.redeliver(row.recording_id, row.webhook_id, ASKER)

    def now(self) -> datetime:
        return self._now

    def pass_s(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def overtake(self, row: OutboxRow, **changes: datetime | None) -> None:
        """Record an attempt as another execution would, in the middle of ours."""
        stored = self.row(row)
        changed = replace(stored, attempts=stored.attempts + 1, **changes)  # type: ignore[arg-type]
        self._outbox[row.recording_id, row.number] = changed

    # --- what a test looks at

    def row(self, row: OutboxRow) -> OutboxRow:
        return self._outbox[row.recording_id, row.number]

    def told(self) -> list[str]:
        return [event.event for event in self._core.history.events(FIRST.recording_id)]

    def facts(self, line: int = 0) -> Mapping[str, object]:
        """Return the detail of one of the history's lines."""
        return self._core.history.events(FIRST.recording_id)[line].detail

    def receiver(self, row: OutboxRow) -> EndpointHealth | None:
        """Return what is known of who the row goes to."""
        return self._core.store.receivers.get((row.account, row.url))

    def sent_ids(self) -> list[str]:
        return [headers["webhook-id"] for _, _, headers in self.sent]

    def published_ids(self) -> list[str]:
        return [row.webhook_id for row in self.bus.rows]

    def next_reply(self) -> HttpReply:
        return self._replies.pop(0)


class _Receiver:
    """A Sender whose other end answers by the script; each answer takes a moment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        self._desk.sent.append((url, body, headers))
        self._desk.sent_at.append(self._desk.now())
        self._desk.pass_s(SEND_S)
        self._desk.during_send()
        return self._desk.next_reply()


class _Bus:
    """An EventBus that may stay silent for a while."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def publish(self, row: OutboxRow) -> None:
        if self._desk.bus_failures:
            self._desk.bus_failures -= 1
            raise Unavailable("the bus doesn't answer")
        self._desk.bus.publish(row)
