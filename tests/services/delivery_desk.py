"""A desk for delivery tests: small ports in memory, a clock that only moves when told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.errors import NotFound, PreconditionFailed, Unavailable
from chalicelib.ports import Reply
from chalicelib.recording.model import OutboxRow, RecordingEvent, State
from chalicelib.services import deliver
from chalicelib.services.deliver import Outcome, Postponed
from chalicelib.services.redeliver import redeliver

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
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
    """The ports of a delivery, all in one: they share a clock and a plan to die."""

    def __init__(
        self, rows: list[OutboxRow], *, replies: list[Reply] | None = None, wait_scale: float = 1.0
    ) -> None:
        self._stored = {row.webhook_id: row for row in rows}
        self._replies = list(replies or [])
        self._now = NOON
        self._wait_scale = wait_scale
        self._calls: dict[str, int] = {}
        self._death: tuple[str, int, bool] | None = None
        self.secrets = [SECRET]
        self.bus_failures = 0
        self.during_send: Callable[[], None] = lambda: None
        self.sent: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.published: list[OutboxRow] = []
        self.history: list[RecordingEvent] = []
        self.outbox = _Outbox(self)

    # --- what a test does

    def attempt(self, row: OutboxRow) -> Outcome:
        return deliver.attempt(
            row.recording_id,
            row.webhook_id,
            outbox=self.outbox,
            history=_History(self),
            sender=_Sender(self),
            bus=_Bus(self),
            secrets=self.secrets,
            now=self.now,
            jitter=0.5,
            wait_scale=self._wait_scale,
        )

    def redeliver(self, row: OutboxRow) -> None:
        """Begin a round, as the API does."""
        redeliver(row.recording_id, row.webhook_id, self.outbox, _Workflows(), self.now())

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

    def now(self) -> datetime:
        return self._now

    def pass_s(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def kill_at(self, port: str, call: int, *, is_done_first: bool) -> None:
        """Die at the n-th call of a port, before or after it took effect."""
        self._death = (port, call, is_done_first)

    def overtake(self, row: OutboxRow, **changes: object) -> None:
        """Record an attempt as another execution would, in the middle of ours."""
        stored = self._stored[row.webhook_id]
        self._stored[row.webhook_id] = replace(
            stored,
            attempts=stored.attempts + 1,
            **changes,  # type: ignore[arg-type]
        )

    # --- what a test looks at

    @property
    def rows(self) -> dict[str, OutboxRow]:
        return self._stored

    def row(self, row: OutboxRow) -> OutboxRow:
        return self._stored[row.webhook_id]

    def told(self) -> list[str]:
        return [event.event for event in self.history]

    def sent_ids(self) -> list[str]:
        return [headers["webhook-id"] for _, _, headers in self.sent]

    # --- what the ports do

    def next_reply(self) -> Reply:
        return self._replies.pop(0)

    def live(self, port: str, *, done: bool) -> None:
        """Die if the plan says so; called before and after each effect."""
        if not done:
            self._calls[port] = self._calls.get(port, 0) + 1
        if self._death == (port, self._calls[port], done):
            raise Unavailable(f"died at call {self._calls[port]} of {port}")


class _Outbox:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def rows(self, recording_id: str) -> list[OutboxRow]:
        self._desk.live("rows", done=False)
        rows = [row for row in self._desk.rows.values() if row.recording_id == recording_id]
        self._desk.live("rows", done=True)
        return sorted(rows, key=lambda row: row.number)

    def get(self, recording_id: str, webhook_id: str) -> OutboxRow:
        self._desk.live("get", done=False)
        if webhook_id not in self._desk.rows:
            raise NotFound(f"recording {recording_id} owes no {webhook_id}")
        return self._desk.rows[webhook_id]

    def record_attempt(self, row: OutboxRow) -> None:
        self._desk.live("record_attempt", done=False)
        stored = self._desk.rows[row.webhook_id]
        if stored.attempts != row.attempts - 1 or stored.delivered_at or stored.given_up:
            raise PreconditionFailed(f"{row.webhook_id} has {stored.attempts} attempts")
        self._desk.rows[row.webhook_id] = row
        self._desk.live("record_attempt", done=True)

    def begin_round(self, row: OutboxRow) -> OutboxRow:
        begun = replace(row, round=row.round + 1, delivered_at=None, given_up="")
        self._desk.rows[row.webhook_id] = begun
        return begun


class _Workflows:
    def start_finalization(self, recording_id: str, attempt: int) -> None:
        raise NotImplementedError

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Leave it to the test to run what was started."""


class _History:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def events(self, recording_id: str) -> list[RecordingEvent]:
        return [event for event in self._desk.history if event.recording_id == recording_id]

    def append(self, event: RecordingEvent) -> None:
        self._desk.live("append", done=False)
        self._desk.history.append(event)
        self._desk.live("append", done=True)


class _Sender:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        self._desk.live("post", done=False)
        self._desk.sent.append((url, body, headers))
        self._desk.during_send()
        self._desk.live("post", done=True)
        return self._desk.next_reply()


class _Bus:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def publish(self, row: OutboxRow) -> None:
        self._desk.live("publish", done=False)
        if self._desk.bus_failures:
            self._desk.bus_failures -= 1
            raise Unavailable("the bus doesn't answer")
        self._desk.published.append(row)
        self._desk.live("publish", done=True)
