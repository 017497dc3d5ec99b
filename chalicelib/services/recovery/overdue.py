"""Handles the late calls, recordings and callbacks that the index of due work leads to.

The index lags, so each row is read again, and left alone unless it really is late.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.errors import PreconditionFailed
from chalicelib.ports.rows import Mailbox, Outbox
from chalicelib.recording import lifecycle
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Recording, Stream
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.services.calls.call_lifecycle import RECHECK, CallController
from chalicelib.services.calls.newer import verify_known, verify_known_call
from chalicelib.services.erasure.erase import Eraser
from chalicelib.services.finalization.attempts import is_last
from chalicelib.services.finalization.publish import fail_attempt

RESTART_EVERY = timedelta(minutes=4)
"""A finalization is started again, under its name, in case an earlier start failed."""

ATTEMPT_TIMEOUT = timedelta(minutes=9)
"""After this silence of an attempt the next one follows: twelve hours of MP4 take 7 minutes, two
attempts at once give the same bytes, and a recording is promised 15 minutes after its call."""

LAST_ATTEMPT_TIMEOUT = timedelta(hours=2, minutes=10)
"""The last attempt may take as long as its execution may run."""

ROUND_TIMEOUT = timedelta(minutes=15)
"""A callback this late has lost its execution, so its next round begins."""

NEWCOMER = timedelta(seconds=60)
"""A worker that started after the leases were read lives without being among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerList:
    """The workers that exist, by one consistent read."""

    workers: Collection[str]
    read_at: datetime

    def lacks_worker_of(self, stream: Stream) -> bool:
        """Whether a live stream's worker is gone without a trace."""
        if stream.ended_at is not None or stream.opened_at > self.read_at - NEWCOMER:
            return False
        return stream.worker not in self.workers


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueHandler:
    """Handles late rows; each method returns the name of what it did, empty for nothing.

    Raises NewerForm for a row that only newer code can finish.
    """

    control: CallController
    outbox: Outbox
    erasing: Eraser
    mailbox: Mailbox

    def call(self, call_key: str, roll: WorkerList, now: datetime) -> str:
        """Close a call that its worker left open, or set the time of the next look."""
        call = self.control.calls.get(call_key)
        if call.due_at is None or call.due_at > now:
            return ""
        streams = self.control.calls.streams(call_key)
        verify_known_call(call.ref)
        verify_known(streams)
        for stream in streams:
            if roll.lacks_worker_of(stream):
                self.control.lose_stream(stream, now)
        closing = self.control.close_call(call.ref, call.round, now)
        if closing.closed:
            return "calls_closed"
        self._postpone_call(call_key, closing.retry_at or now + RECHECK)
        return ""

    def recording(self, recording_id: str, now: datetime) -> str:
        """Fail a recording that waited in vain for media; continue its finalization or erasure."""
        recording = self.control.transitions.recordings.get(recording_id)
        if recording.due_at is None or recording.due_at > now:
            return ""
        verify_known_call(recording.call)
        if recording.erasure is not None:
            return self.erasing.advance(recording, now)
        if lifecycle.is_pending(recording.state):
            return self._pending(recording, now)
        if lifecycle.is_finalizing(recording.state) or recording.making is not None:
            return self._finalization(recording, now)
        if lifecycle.is_finished(recording.state):
            return self.erasing.release(recording, now)
        return ""

    def callback(self, recording_id: str, number: int, now: datetime) -> str:
        """Start the delivery of a callback; its name prevents a second execution."""
        for row in self.outbox.rows(recording_id):
            if row.number == number and row.delivered_at is None and not row.given_up:
                current = self._current_round(row, now)
                self.control.transitions.workflows.start_delivery(
                    recording_id, row.webhook_id, current.round
                )
                return "deliveries_started"
        return ""

    def _postpone_call(self, call_key: str, due_at: datetime) -> None:
        call = self.control.calls.get(call_key)
        try:
            self.control.call_life.postpone(replace(call, due_at=due_at))
        except PreconditionFailed:
            return  # it changed meanwhile, and got a new due time

    def _pending(self, recording: Recording, now: datetime) -> str:
        call = self.control.calls.get(recording.call.key)
        live = [s for s in self.control.calls.streams(call.ref.key) if s.ended_at is None]
        if call.open and live and recording.round <= call.round:
            # Its stream is there, but the worker that joined it is dead or slow. Or the request
            # died before it sent its command: without one, the worker keeps no media.
            for worker in {stream.worker for stream in live}:
                self._tell(recording, worker, now)
            self._begin(recording, live[0])
            return "recordings_begun"
        failed = replace(recording, reason=str(Cause.NO_MEDIA), ended_at=now)
        self.control.transitions.move(
            failed, Cause.NO_MEDIA, self.control.writer, call=call, at=now
        )
        return "recordings_failed"

    def _tell(self, recording: Recording, worker: str, now: datetime) -> None:
        self.mailbox.send(
            Command(
                command_id=f"begin-{recording.recording_id}",
                kind=CommandKind.RECORD_CALL,
                worker=worker,
                call_key=recording.call.key,
                recording_id=recording.recording_id,
                at=recording.due_at or now,
            )
        )

    def _begin(self, recording: Recording, stream: Stream) -> None:
        account = recording.call.account
        profile = self.control.profiles.get(account, recording.profile)
        call = self.control.calls.get(recording.call.key)
        self.control.rounds.start(call, profile, stream)

    def _finalization(self, recording: Recording, now: datetime) -> str:
        timeout = LAST_ATTEMPT_TIMEOUT if is_last(recording) else ATTEMPT_TIMEOUT
        if recording.attempt_at is not None and now - recording.attempt_at >= timeout:
            fail_attempt(
                recording.recording_id,
                recording.attempt,
                "no_answer",
                calls=self.control.calls,
                transitions=self.control.transitions,
                at=now,
            )
            return "finalizations_lost"
        self._start_finalization(recording, now)
        return "finalizations_started"

    def _start_finalization(self, recording: Recording, now: datetime) -> None:
        transitions = self.control.transitions
        transitions.workflows.start_finalization(recording.recording_id, recording.attempt)
        event = RecordingEvent(
            recording_id=recording.recording_id,
            at=now,
            event="finalization_started",
            detail={"attempt": recording.attempt, "by": str(self.control.writer)},
        )
        try:
            transitions.recordings.write(
                replace(recording, due_at=now + RESTART_EVERY), event, None
            )
        except PreconditionFailed:
            return  # it moved on meanwhile, and has its own due time

    def _current_round(self, row: OutboxRow, now: datetime) -> OutboxRow:
        if now - (row.next_at or row.created_at) < ROUND_TIMEOUT:
            return row
        return self.outbox.begin_round(replace(row, next_at=now))
