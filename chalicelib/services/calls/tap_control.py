"""Begins and ends outgoing taps: each move is one write with its history and its callback.

The owner begins and ends taps; a tap that a dead owner left ends with its call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from chalicelib.errors import NotFound, Unavailable
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Calls, Taps
from chalicelib.recording import keys
from chalicelib.recording.callbacks import encode
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import Call, Profile
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.services.calls.transitions import persistently
from chalicelib.tapping import lifecycle
from chalicelib.tapping.callbacks import tap_body
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TapController:
    """Implements the port LiveTaps, and ends the taps of closed calls."""

    calls: Calls
    taps: Taps
    profiles: Profiles
    workflows: Workflows
    now: Callable[[], datetime]

    def begin(self, request: TapRequest, source_address: str, source_port: int) -> Tap:
        """Begin a tap; one that exists stays as it is. Raises NotFound."""
        call = self.calls.get(request.call.key)
        tap = replace(
            self._new(request, TapCause.STARTED, call),
            source_address=source_address,
            source_port=source_port,
        )
        return self._create(tap, TapCause.STARTED, call)

    def refuse(self, request: TapRequest, reason: str, at: datetime) -> Tap:
        """Finish a tap that its destination refused; one that exists stays as it is. Raises
        NotFound."""
        call = self.calls.get(request.call.key)
        tap = self._new(request, TapCause.UNREACHABLE, call)
        return self._create(replace(tap, reason=reason, ended_at=at), TapCause.UNREACHABLE, call)

    def take_over(self, tap: Tap, worker: str, source_address: str, source_port: int) -> Tap:
        """Continue a tap that another worker sent; an ended one stays as it is. Raises
        NotFound."""
        return persistently(lambda: self._take_over(tap, worker, source_address, source_port))

    def abandon(self, call_key: str, tap_id: str, at: datetime) -> Tap:
        """Stop a tap that no worker sends; an ended one stays as it is. Raises NotFound."""
        return persistently(lambda: self._abandon(self.taps.get(call_key, tap_id), at))

    def left_to(self, call: Call, worker: str) -> tuple[Tap, ...]:
        """Return the taps that another worker sent of a call that this one owns now."""
        if call.owner != worker:
            return ()
        found = self.taps.of_call(call.ref.key)
        return tuple(
            tap for tap in found if lifecycle.is_tapping(tap.state) and tap.worker != worker
        )

    def end(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime) -> Tap:
        """Finish a tap; add the quality to one that is already finished. A tap that another worker
        continues stays as it is. Raises NotFound."""
        return persistently(lambda: self._end(tap, cause, reason, quality, at))

    def end_round(self, call: Call, round_: int, writer: Writer, at: datetime) -> None:
        """Finish what taps still of a call's round that closed; its worker notes the quality after
        that, if it lives."""
        for tap in self.taps.of_call(call.ref.key):
            if tap.round <= round_ and lifecycle.is_tapping(tap.state):
                persistently(partial(self._close, tap, call, writer, at))

    def _take_over(self, tap: Tap, worker: str, source_address: str, source_port: int) -> Tap:
        current = self.taps.get(tap.call.key, tap.tap_id)
        if lifecycle.is_finished(current.state) or current.worker == worker:
            return current
        taken = replace(
            current, worker=worker, source_address=source_address, source_port=source_port
        )
        told = {"from": current.worker, "to": worker}
        at = max(current.created_at, self.now())
        event = RecordingEvent(recording_id=tap.tap_id, at=at, event="taken_over", detail=told)
        return self.taps.write(taken, event, None)

    def _abandon(self, tap: Tap, at: datetime) -> Tap:
        if lifecycle.is_finished(tap.state):
            return tap
        ended = replace(tap, reason=str(TapCause.STOP), ended_at=at)
        return self._move(ended, TapCause.STOP, Writer.OWNER, self.calls.get(tap.call.key), at)

    def _end(
        self, sent: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime
    ) -> Tap:
        tap = self.taps.get(sent.call.key, sent.tap_id)
        if tap.worker != sent.worker:
            return tap
        if lifecycle.is_tapping(tap.state):
            ended = replace(tap, quality=quality, reason=reason, ended_at=at)
            return self._move(ended, cause, Writer.OWNER, self.calls.get(tap.call.key), at)
        if tap.quality is not None:
            return tap
        return self.taps.write(replace(tap, quality=quality), _summary(tap, quality, at), None)

    def _close(self, tap: Tap, call: Call, writer: Writer, at: datetime) -> Tap:
        current = self.taps.get(tap.call.key, tap.tap_id)
        if lifecycle.is_finished(current.state):
            return current
        ended = replace(current, reason=str(TapCause.CALL_CLOSED), ended_at=at)
        return self._move(ended, TapCause.CALL_CLOSED, writer, call, at)

    def _new(self, request: TapRequest, cause: TapCause, call: Call) -> Tap:
        profile = self._profile(call)
        return Tap(
            tap_id=request.tap_id,
            call=request.call,
            control_id=request.control_id,
            state=lifecycle.advance(None, cause, Writer.OWNER),
            version=0,
            round=call.round,
            options=request.options,
            profile=call.profile,
            status_url=request.options.status_url or (profile.status_url if profile else ""),
            created_at=request.at,
            worker=request.worker,
        )

    def _create(self, tap: Tap, cause: TapCause, call: Call) -> Tap:
        at = tap.ended_at or tap.created_at
        owing, row = self._owing(tap, call, at)
        created = self.taps.create(owing, _event(owing, cause, Writer.OWNER, at), row)
        self._start_delivery(row)
        return created

    def _move(self, tap: Tap, cause: TapCause, writer: Writer, call: Call, at: datetime) -> Tap:
        state = lifecycle.advance(tap.state, cause, writer)
        owing, row = self._owing(replace(tap, state=state), call, at)
        written = self.taps.write(owing, _event(owing, cause, writer, at), row)
        self._start_delivery(row)
        return written

    def _owing(self, tap: Tap, call: Call, at: datetime) -> tuple[Tap, OutboxRow | None]:
        """Return a tap in its new state, with the callback that it owes for it."""
        if not tap.status_url:
            return tap, None
        owing = replace(tap, callbacks=tap.callbacks + 1)
        body = tap_body(owing, call, at=at, worker=tap.worker, profile=self._profile(call))
        return owing, OutboxRow(
            recording_id=tap.tap_id,
            number=owing.callbacks,
            webhook_id=keys.webhook_id(tap.tap_id, owing.callbacks),
            state=str(tap.state),
            url=tap.status_url,
            body=encode(body),
            created_at=at,
            account=tap.call.account,
        )

    def _profile(self, call: Call) -> Profile | None:
        try:
            return self.profiles.get(call.ref.account, call.profile)
        except NotFound:
            return None  # deleted while its call went on

    def _start_delivery(self, row: OutboxRow | None) -> None:
        if row is None:
            return
        try:
            self.workflows.start_delivery(row.recording_id, row.webhook_id, row.round)
        except Unavailable:
            return  # the row is due in a minute: the sweeper starts it


def failed_at_once(tap: Tap) -> bool:
    """Whether a tap's destination refused it: then its first state was its last."""
    return lifecycle.is_finished(tap.state) and tap.version == 1


def _event(tap: Tap, cause: TapCause, writer: Writer, at: datetime) -> RecordingEvent:
    detail: dict[str, str | int | float | bool] = {"cause": str(cause), "by": str(writer)}
    if tap.reason and tap.reason != cause:
        detail["reason"] = tap.reason
    if tap.quality is not None:
        detail |= _counts(tap.quality)
    return RecordingEvent(recording_id=tap.tap_id, at=at, event=str(tap.state), detail=detail)


def _summary(tap: Tap, quality: TapQuality, at: datetime) -> RecordingEvent:
    return RecordingEvent(recording_id=tap.tap_id, at=at, event="quality", detail=_counts(quality))


def _counts(quality: TapQuality) -> dict[str, str | int | float | bool]:
    return {name: getattr(quality, name) for name in TapQuality.__slots__}
