"""Starts and ends the recordings of a call's session: with its first media, and with its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.ports.rows import Calls
from chalicelib.recording import intervals, keys, lifecycle
from chalicelib.recording.close_grace import ended_at
from chalicelib.recording.cuts import closing_cut
from chalicelib.recording.instants import microseconds
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Call, Interval, Profile, Recording, Stream
from chalicelib.recording.pending import pending_recording
from chalicelib.services.calls.transitions import NO_DETAIL, RecordingMover, persistently


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecorder:
    """Moves the recordings of a session, in the name of one writer."""

    calls: Calls
    transitions: RecordingMover
    writer: Writer

    def start(self, call: Call, profile: Profile, stream: Stream) -> tuple[Recording, ...]:
        """Start the recordings that wait for a call's media, and the profile's default one; return
        the live recordings of the stream's session, oldest first. Starts none twice."""
        return persistently(lambda: self._start(call, profile, stream))

    def end(self, call: Call, round_: int, streams: Sequence[Stream], at: datetime) -> None:
        """End the recordings of a closed session; start finalizations that a crash left out."""
        over_at, cut = ended_at(streams) or at, closing_cut(streams)
        for recording in self._of(call):
            if recording.round <= round_:
                self._end(call, recording, Cause.CALL_CLOSED, over_at, at, cut=cut)

    def end_one(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """End one recording of a live call; `digit` is the key that ended it. Raises NotFound."""
        persistently(lambda: self._end_one(recording_id, cause, at, digit))

    def next_usable(self, call: Call | None, round_: int) -> int:
        """Return the first round from `round_` on whose default recording hasn't ended before it
        had media: one that was announced, and came too late for that."""
        if call is None or call.open:
            return round_
        ended = {r.recording_id for r in self._of(call) if lifecycle.is_terminal(r.state)}
        while _default_id(call, round_) in ended:
            round_ += 1
        return round_

    def _start(self, call: Call, profile: Profile, stream: Stream) -> tuple[Recording, ...]:
        found = self._of(call)
        if profile.record_call is not None:
            control_id = _free_control_id(call, stream.round, found)
            if control_id:
                found.append(self._begin_default(call, profile, stream, control_id))
        started = [self._started(call, recording, stream) for recording in found]
        return tuple(
            recording
            for recording in started
            if recording.round == stream.round and lifecycle.is_live(recording.state)
        )

    def _begin_default(
        self, call: Call, profile: Profile, stream: Stream, control_id: str
    ) -> Recording:
        assert profile.record_call is not None
        recording = pending_recording(
            call.ref,
            profile,
            control_id=control_id,
            round_=stream.round,
            options=profile.record_call,
            labels=call.labels,
            at=stream.opened_at,
            due_at=stream.opened_at,
        )
        return self.transitions.begin(
            _with_media(recording, stream),
            Cause.FIRST_MEDIA,
            self.writer,
            call=call,
            at=stream.opened_at,
        )

    def _started(self, call: Call, recording: Recording, stream: Stream) -> Recording:
        """Return a recording as the stream's media leaves it: one that waits for it begins."""
        if not lifecycle.is_pending(recording.state) or recording.round > stream.round:
            return recording
        heard = _with_media(recording, stream)
        labelled = replace(heard, labels={**call.labels, **recording.labels}, round=stream.round)
        at = max(stream.opened_at, recording.created_at)
        return self.transitions.move(labelled, Cause.FIRST_MEDIA, self.writer, call=call, at=at)

    def _end_one(self, recording_id: str, cause: Cause, at: datetime, digit: str) -> None:
        recording = self.transitions.recordings.get(recording_id)
        if not lifecycle.is_pending(recording.state):
            recording = replace(
                recording, intervals=intervals.ended(recording.intervals, microseconds(at))
            )
        detail = {"digit": digit} if digit else {}
        self._end(self.calls.get(recording.call.key), recording, cause, at, at, detail)

    def _end(
        self,
        call: Call,
        recording: Recording,
        cause: Cause,
        over_at: datetime,
        at: datetime,
        detail: Mapping[str, str] = NO_DETAIL,
        cut: str = "",
    ) -> None:
        if lifecycle.is_finalizing(recording.state):
            self.transitions.workflows.start_finalization(recording.recording_id, recording.attempt)
        if not lifecycle.is_live(recording.state):
            return
        if lifecycle.is_pending(recording.state) and cause is Cause.CALL_CLOSED:
            cause, cut = Cause.NO_MEDIA, ""
        ended = replace(
            recording,
            reason=cut or str(cause),
            ended_at=over_at,
            labels={**call.labels, **recording.labels},
        )
        self.transitions.move(ended, cause, self.writer, call=call, at=at, detail=detail)

    def _of(self, call: Call) -> list[Recording]:
        return self.transitions.recordings.of_call(call.ref.key)


def _default_id(call: Call, round_: int) -> str:
    key = call.ref.key
    return keys.recording_id(key, keys.default_control_id(key, round_))


def _free_control_id(call: Call, round_: int, found: Sequence[Recording]) -> str:
    """Return the control id of the default recording that a round lacks; empty where it lacks none.

    An announced one may fail for want of media in the moment in which its stream joins: then the
    stream has a recording of its own.
    """
    key = call.ref.key
    known = {recording.control_id: recording for recording in found}
    announced = known.get(keys.default_control_id(key, round_))
    if announced is None:
        return keys.default_control_id(key, round_)
    late = keys.late_control_id(key, round_)
    return late if _missed_its_media(announced) and late not in known else ""


def _missed_its_media(recording: Recording) -> bool:
    return lifecycle.is_terminal(recording.state) and recording.reason == Cause.NO_MEDIA


def _with_media(recording: Recording, stream: Stream) -> Recording:
    """Return a recording that begins with a stream; one that was asked for when its call streamed
    already says itself from when on it shows the call."""
    shown = recording.intervals or (Interval(),)
    return replace(recording, started_at=stream.opened_at, intervals=shown, due_at=None)
