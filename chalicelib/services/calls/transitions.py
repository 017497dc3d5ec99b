"""Moves recordings: state, history and callback in one write; then starts what the move owes.

The lifecycle table says whether a move is legal and whether it owes a callback. What the write
promises, the callback and the finalization, is started after it; where that fails or its process
dies, the row's due time leads the sweeper to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

from chalicelib.errors import NotFound, PreconditionFailed, Unavailable
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.aws import Workflows
from chalicelib.ports.rows import Recordings
from chalicelib.recording import erasure, keys, lifecycle
from chalicelib.recording.callbacks import encode, record_body
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Call, Profile, Recording, State
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.recording.renditions import media_until

FINALIZATION_TIMEOUT = timedelta(minutes=2)
"""An execution that didn't start is started again after this; ten minutes of WAV take 15 s."""

_TRIES = 8
"""against faster writers: a call has a handful of streams, not hundreds"""

NO_DETAIL: Mapping[str, str] = MappingProxyType({})

T = TypeVar("T")


def persistently(step: Callable[[], T]) -> T:
    """Return the result of a step that reads and writes; repeat it while other writers are faster.

    Raises Unavailable if they always are.
    """
    for _ in range(_TRIES):
        try:
            return step()
        except PreconditionFailed as error:
            lost = error
    raise Unavailable(f"others were faster {_TRIES} times: {lost.message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingMover:
    """Moves recordings; nothing else does."""

    recordings: Recordings
    profiles: Profiles
    workflows: Workflows
    public_url: Callable[[], str]
    """returns the API's base, up to and with the stage"""
    download_token: Callable[[Recording, datetime], str]
    """returns the token that opens a recording's download, issued at a time"""

    def begin(
        self, recording: Recording, cause: Cause, writer: Writer, *, call: Call, at: datetime
    ) -> Recording:
        """Create a recording as `cause` makes it, or return the one that exists under its id.

        `recording` has everything but state and version. Raises Unavailable, IllegalTransition.
        """
        entered, event, row = self._entered(None, recording, cause, writer, call, at)
        created = self.recordings.create(entered, event, row)
        # A faster writer may owe nothing yet: an execution that finds no row would use up its name.
        if row is not None and created.callbacks >= row.number:
            self._start_delivery(row)
        return created

    def move(
        self,
        recording: Recording,
        cause: Cause,
        writer: Writer,
        *,
        call: Call,
        at: datetime,
        detail: Mapping[str, str] = NO_DETAIL,
    ) -> Recording:
        """Move a recording, and return it as stored.

        `recording` has the state and version that were read; whatever else the move changes is
        changed in it already; `detail` goes into its history. Raises PreconditionFailed where
        another writer was faster, IllegalTransition, and Unavailable, also where its finalization
        could not be started.
        """
        entered, event, row = self._entered(recording.state, recording, cause, writer, call, at)
        told = replace(event, detail={**event.detail, **detail})
        written = self.recordings.write(entered, told, row)
        if row is not None:
            self._start_delivery(row)
        if lifecycle.is_finalizing(written.state):
            self.workflows.start_finalization(written.recording_id, written.attempt)
        return written

    def _entered(
        self,
        before: State | None,
        recording: Recording,
        cause: Cause,
        writer: Writer,
        call: Call,
        at: datetime,
    ) -> tuple[Recording, RecordingEvent, OutboxRow | None]:
        """Return the recording in its next state, what the history says of it, and what it owes."""
        state = lifecycle.advance(before, cause, writer)
        entered = replace(recording, state=state, due_at=None)
        if lifecycle.leaves_nothing(cause):
            entered = erasure.asked(entered, at)
        if lifecycle.is_finalizing(state):
            entered = _finalizing(entered, at)
        if lifecycle.is_finished(state):
            entered = replace(entered, due_at=media_until(entered))
        event = _event(entered, cause, writer, at)
        if not lifecycle.has_callback(state) or not entered.status_url:
            return entered, event, None
        entered = replace(entered, callbacks=entered.callbacks + 1)
        return entered, event, self._owed(entered, call, at)

    def _owed(self, recording: Recording, call: Call, at: datetime) -> OutboxRow:
        profile = self._profile(recording)
        body = record_body(
            recording,
            call,
            at=at,
            public_url=self.public_url(),
            download_token=self._token(recording, profile, at),
            profile=profile,
        )
        return OutboxRow(
            recording_id=recording.recording_id,
            number=recording.callbacks,
            webhook_id=keys.webhook_id(recording.recording_id, recording.callbacks),
            state=recording.state,
            url=recording.status_url,
            body=encode(body),
            created_at=at,
            account=recording.call.account,
        )

    def _token(self, recording: Recording, profile: Profile | None, at: datetime) -> str:
        wanted = profile is not None and profile.tokened_url
        if not wanted or not lifecycle.is_finished(recording.state):
            return ""
        return self.download_token(recording, at)

    def _profile(self, recording: Recording) -> Profile | None:
        try:
            return self.profiles.get(recording.call.account, recording.profile)
        except NotFound:
            return None  # deleted while its call went on

    def _start_delivery(self, row: OutboxRow) -> None:
        try:
            self.workflows.start_delivery(row.recording_id, row.webhook_id, row.round)
        except Unavailable:
            return  # the row is due in a minute: the sweeper starts it


def _finalizing(recording: Recording, at: datetime) -> Recording:
    return replace(
        recording,
        attempt=recording.attempt + 1,
        attempt_at=at,
        due_at=at + FINALIZATION_TIMEOUT,
    )


def _event(recording: Recording, cause: Cause, writer: Writer, at: datetime) -> RecordingEvent:
    detail = {"cause": str(cause), "by": str(writer)}
    if recording.reason and recording.reason != cause:
        detail["reason"] = recording.reason
    return RecordingEvent(
        recording_id=recording.recording_id, at=at, event=str(recording.state), detail=detail
    )
