"""Delivers status callbacks: makes one attempt, stores its outcome, and schedules the next one.

An attempt may be started twice, and may die after any line and run again: the receiver then gets
the same message with the same `webhook-id` once more, but never one that isn't owed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.errors import PreconditionFailed, Unavailable
from chalicelib.ports.aws import EventBus, Sender
from chalicelib.ports.rows import Outbox, Receivers, RecordingHistory
from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.recording import delivery_schedule, endpoint_health
from chalicelib.recording.delivery_schedule import GivenUpReason
from chalicelib.recording.endpoint_health import EndpointHealth
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.security.callback_signature import signature_headers

EVENT_TIMEOUT = timedelta(seconds=60)
"""A callback waits this long for a silent bus, then is sent without its event."""

_EVENT_RETRY_S = 2.0
_RACE_RETRY_S = 1.0

_Facts = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver accepted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """The next attempt follows after a wait."""

    wait_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """No further attempt follows, although the receiver didn't accept it."""

    reason: str
    """a `GivenUpReason`"""


Outcome = Delivered | Postponed | GivenUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverer:
    """Delivers status callbacks."""

    outbox: Outbox
    history: RecordingHistory
    receivers: Receivers
    sender: Sender
    bus: EventBus
    secrets: Callable[[], Sequence[str]]
    """returns the secrets that sign callbacks, newest first"""
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    """returns a number that is evenly random from 0 to 1"""
    wait_scale: float
    """multiplies the waits of the schedule"""

    def attempt(self, recording_id: str, webhook_id: str) -> Outcome:
        """Make the attempt that is due, if one is, and return the state of the callback.

        Raises Unavailable where a row can't be read or written.
        """
        rows = self.outbox.rows(recording_id)
        row = next((row for row in rows if row.webhook_id == webhook_id), None)
        if row is None:
            return GivenUp(reason=GivenUpReason.DELETED)
        begun_at = self.now()
        if (standing := _standing(row, begun_at)) is not None:
            return standing
        if not delivery_schedule.is_its_turn(row, rows):
            return Postponed(wait_seconds=delivery_schedule.turn_wait_s(row, begun_at))
        if row.first_ended_at is None and not self._publish(row, begun_at):
            return Postponed(wait_seconds=_EVENT_RETRY_S)
        known = self.receivers.get(row.account, row.url)
        if reason := _needless(row, rows, known, begun_at):
            return self._skip(row, reason, begun_at)
        reply = self._send(row, begun_at)
        ended_at = self.now()
        stopped = self._note(known, row, reply, ended_at)
        changed = _after(row, reply, ended_at, self.jitter(), self.wait_scale, stopped)
        facts = _facts(reply, took=ended_at - begun_at)
        return self._record(changed, _tell(changed, ended_at, facts))

    def _publish(self, row: OutboxRow, at: datetime) -> bool:
        """Put the event on the bus; return whether the callback may go on."""
        try:
            self.bus.publish(row)
        except Unavailable:
            if at - row.created_at < EVENT_TIMEOUT:
                return False
            self.history.append(_line(row, "event_not_published", at, {}))
        return True

    def _skip(self, row: OutboxRow, reason: str, at: datetime) -> Outcome:
        """Give up without an attempt."""
        changed = replace(
            row,
            attempts=row.attempts + 1,
            first_ended_at=row.first_ended_at or at,
            next_at=None,
            given_up=reason,
        )
        facts: _Facts = {"error": row.last_error, "given_up": reason}
        return self._record(changed, _line(changed, "callback_skipped", at, facts))

    def _note(
        self, known: EndpointHealth | None, row: OutboxRow, reply: HttpReply, at: datetime
    ) -> str:
        """Store the receiver's health after a reply; return why it is stopped, empty if it isn't.

        It comes before the write of the row: a crash in between loses no failure of the receiver.
        """
        if _is_yes(reply):
            if known is not None:
                self.receivers.forget(row.account, row.url)
            return ""
        if reply.fault is SendFault.URL:
            return ""  # no receiver was contacted
        tell = endpoint_health.gone if reply.status == 410 else endpoint_health.failed
        told = tell(known, row.account, row.url, at)
        with suppress(PreconditionFailed):  # another reply stopped it: the next attempt sees that
            self.receivers.put(told)
        return told.stopped

    def _send(self, row: OutboxRow, at: datetime) -> HttpReply:
        body = row.body.encode()
        headers = signature_headers(row.webhook_id, at, body, self.secrets())
        return self.sender.post(row.url, body, {"Content-Type": "application/json"} | headers)

    def _record(self, row: OutboxRow, event: RecordingEvent) -> Outcome:
        """Store an attempt; if another execution was faster, return the state that it stored."""
        try:
            self.outbox.record_attempt(row)
        except PreconditionFailed:
            row = self.outbox.get(row.recording_id, row.webhook_id)
        # The row first: a missing line in the history is better than a callback sent twice.
        self.history.append(event)
        return _standing(row, event.at) or Postponed(wait_seconds=_RACE_RETRY_S)


def _standing(row: OutboxRow, at: datetime) -> Outcome | None:
    """Return the state of a callback that needs no attempt now; None if one is due."""
    if row.delivered_at is not None:
        return Delivered()
    if row.given_up:
        return GivenUp(reason=row.given_up)
    if row.next_at is not None and row.next_at > at:
        return Postponed(wait_seconds=(row.next_at - at).total_seconds())
    return None


def _needless(
    row: OutboxRow, rows: Sequence[OutboxRow], known: EndpointHealth | None, at: datetime
) -> str:
    """Return why a callback is no longer sent; empty if it is."""
    if delivery_schedule.is_superseded(row, rows):
        return GivenUpReason.SUPERSEDED
    return known.stopped if known is not None and endpoint_health.is_stopped(known, at) else ""


def _after(
    row: OutboxRow, reply: HttpReply, at: datetime, jitter: float, wait_scale: float, stopped: str
) -> OutboxRow:
    """Return the row after this attempt; `stopped` says why no further one follows."""
    tried = replace(
        row,
        attempts=row.attempts + 1,
        first_ended_at=row.first_ended_at or at,
        next_at=None,
        last_error="",
    )
    if _is_yes(reply):
        return replace(tried, delivered_at=at)
    failed = replace(tried, last_error=_error(reply))
    wait = delivery_schedule.wait_s(failed.attempts, jitter, wait_scale)
    if reply.fault is SendFault.URL:
        return replace(failed, given_up=GivenUpReason.REFUSED)
    if stopped or wait is None:
        return replace(failed, given_up=stopped or GivenUpReason.EXHAUSTED)
    wait = max(wait, delivery_schedule.retry_after_s(reply.retry_after, at))
    return replace(failed, next_at=at + timedelta(seconds=wait))


def _is_yes(reply: HttpReply) -> bool:
    return reply.status is not None and 200 <= reply.status < 300


def _error(reply: HttpReply) -> str:
    return str(reply.fault or "") if reply.status is None else f"http_{reply.status}"


def _facts(reply: HttpReply, took: timedelta) -> _Facts:
    """Return the history's facts of a reply, and the answer's first printable characters."""
    facts: _Facts = {"took_ms": round(took / timedelta(milliseconds=1))}
    if reply.status is not None:
        facts["status"] = reply.status
    if reply.detail:
        facts["detail"] = reply.detail
    if reply.body_head:
        text = reply.body_head.decode("utf-8", "replace")
        facts["answer"] = "".join(mark if mark.isprintable() else " " for mark in text)
    return facts


def _tell(row: OutboxRow, at: datetime, facts: _Facts) -> RecordingEvent:
    """Return the history's line about an attempt, from the row after it."""
    if row.delivered_at is not None:
        return _line(row, "callback_delivered", at, facts)
    facts = facts | {"error": row.last_error}
    if row.next_at is not None:
        facts = facts | {"next_at": row.next_at.isoformat()}
    if row.given_up:
        facts = facts | {"given_up": row.given_up}
    return _line(row, "callback_failed", at, facts)


def _line(row: OutboxRow, event: str, at: datetime, facts: _Facts) -> RecordingEvent:
    about: _Facts = {
        "webhook_id": row.webhook_id,
        "state": str(row.state),
        "attempt": row.attempts,
    }
    return RecordingEvent(recording_id=row.recording_id, at=at, event=event, detail=about | facts)
