"""Lets streams join calls and end, closes calls, and starts and ends their recordings.

Every step is one conditional write, and each function may die after any of them and run again.
The sink calls it as the owner of a call, the sweeper in the place of a dead owner.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.errors import Forbidden, NotFound, PreconditionFailed
from chalicelib.ports.rows import CallLife, Calls, LiveStreams, Profiles
from chalicelib.ports.values import CloseResult, JoinRequest, JoinResult, OwnedElsewhere
from chalicelib.recording import rtp_endpoint
from chalicelib.recording.carrier_reports import next_round
from chalicelib.recording.close_grace import Graces, closes_at
from chalicelib.recording.lifecycle import Cause, Writer
from chalicelib.recording.model import Call, CallRef, Ending, Profile, Stream
from chalicelib.services.calls.call_sessions import SessionRecorder
from chalicelib.services.calls.tap_control import TapController
from chalicelib.services.calls.transitions import RecordingMover, persistently

RECHECK = timedelta(minutes=10)
"""The sweeper looks at an open call this often, in case its worker left no lease."""

ASK_AGAIN = timedelta(seconds=3)
"""Wait this long during a grace: meanwhile a webhook may say that no stream will follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallController:
    """Implements the port CallControl. Raises Unavailable where a retry is right."""

    calls: Calls
    call_life: CallLife
    live_streams: LiveStreams
    profiles: Profiles
    transitions: RecordingMover
    taps: TapController
    graces: Graces = field(default_factory=Graces)
    writer: Writer = Writer.OWNER

    def join_call(self, joining: JoinRequest) -> JoinResult | OwnedElsewhere:
        """Put the stream under its call, open or reopen that, start the recordings that are wanted:
        the pending ones and its profile's. Where another worker owns the call, only tell which.
        Raises NotFound where the profile is gone, Forbidden where it is another dialect's; an RTP
        port, that was claimed for the call by its profile, is at home in every one."""
        profile = self.profiles.get(joining.call.account, joining.profile)
        if joining.dialect not in (profile.dialect, rtp_endpoint.DIALECT):
            raise Forbidden(
                f"profile {profile.name} speaks {profile.dialect}, not {joining.dialect}",
                code="wrong_dialect",
            )
        stream = persistently(lambda: self._enter(joining, profile))
        if isinstance(stream, OwnedElsewhere):
            return stream
        call = self.calls.get(joining.call.key)
        recordings = self.rounds.start(call, profile, stream)
        return JoinResult(
            call=call.ref,
            round=stream.round,
            generation=call.generation,
            encoding=self._stream(call.ref, stream.stream_key).encoding,
            recordings=recordings,
            bidirectional=profile.bidirectional,
            taps=self.taps.left_to(call, joining.worker) if call.generation > 1 else (),
        )

    def end_stream(
        self,
        call: CallRef,
        stream_key: str,
        ending: Ending,
        at: datetime,
        *,
        in_segments: bool = True,
        segments: tuple[int, int] | None = None,
        reason: str = "",
    ) -> Ending:
        """Note that all media of a stream lies in segments, in which, and how it ended; return how
        it ended (STOPPED where the carrier's webhook already said so). A DEAD one was another
        worker's: the journal may hold media of it, as of one that isn't all `in_segments`.
        `reason`: why this side ended it. Raises NotFound."""
        stream = self._stream(call, stream_key)
        if stream.ended_at is None:
            is_complete = in_segments and ending is not Ending.DEAD
            ended = replace(stream, ended_at=at, ending=ending, complete=is_complete, reason=reason)
            self._write_end(replace(ended, segments=segments if is_complete else None))
        return self._stream(call, stream_key).ending or ending

    def lose_stream(self, stream: Stream, at: datetime) -> None:
        """Note when a stream's worker died; the journal may hold media of the stream."""
        if stream.ended_at is None:
            self._write_end(replace(stream, ended_at=at, ending=Ending.DEAD))

    def close_call(self, call: CallRef, round_: int, at: datetime) -> CloseResult:
        """Close the call if no stream of it lives and no grace runs; then its live recordings go
        finalizing, and its taps are finished. Raises NotFound."""
        return persistently(lambda: self._close(call, round_, at))

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """Move one recording of a live call to finalizing and start its finalization, or to
        `no_input`; one that ended already stays as it is. Raises NotFound."""
        self.rounds.end_one(recording_id, cause, at, digit)

    @property
    def rounds(self) -> SessionRecorder:
        """Return the recorder of a call's sessions."""
        return SessionRecorder(calls=self.calls, transitions=self.transitions, writer=self.writer)

    def _enter(self, joining: JoinRequest, profile: Profile) -> Stream | OwnedElsewhere:
        """Write a stream under its call, once, or return the other worker that owns the call. The
        first to join owns it: two that join at once write the same generation."""
        key = joining.call.key
        for stream in self.calls.streams(key):
            if stream.stream_key == joining.stream_key:
                return stream
        before = self._known_call(key)
        if before is not None and _is_anothers(before, joining):
            return OwnedElsewhere(
                owner=before.owner, epoch=before.epoch, address=before.owner_address
            )
        round_ = self.rounds.next_usable(before, next_round(before))
        stream = _stream(joining, profile, round_)
        self.call_life.join(_joined(before, joining, profile, round_), stream)
        return stream

    def _close(self, ref: CallRef, round_: int, at: datetime) -> CloseResult:
        # The call first, then its streams: one that joins in between changes the generation.
        call = self.calls.get(ref.key)
        streams = [one for one in self.calls.streams(ref.key) if one.round == round_]
        if call.open and call.round == round_:
            closes = closes_at(streams, self.graces)
            if closes is None:
                return CloseResult(closed=False)
            if closes > at:
                return CloseResult(closed=False, retry_at=min(closes, at + ASK_AGAIN))
            # Due as its last stream left it: if we die now, the sweeper goes on from here, and at
            # once where its worker, that still holds the streams, died with us.
            call = replace(call, open=False, closed_at=at)
            self.call_life.close(call)
        self.rounds.end(call, round_, streams, at)
        self.taps.end_round(call, round_, self.writer, at)
        for stream in streams:
            if stream.complete:
                self.live_streams.forget(stream)
        self._settle(call, round_)
        return CloseResult(closed=True)

    def _settle(self, call: Call, round_: int) -> None:
        """Remove the due time of a closed call."""
        if call.open or call.round != round_ or call.due_at is None:
            return
        try:
            self.call_life.postpone(replace(call, due_at=None))
        except PreconditionFailed:
            return  # a stream came and opened it again

    def _write_end(self, ended: Stream) -> None:
        try:
            self.call_life.end_stream(ended)
        except PreconditionFailed:
            return  # the owner and the sweeper may both end a stream: the first write counts

    def _known_call(self, call_key: str) -> Call | None:
        try:
            return self.calls.get(call_key)
        except NotFound:
            return None

    def _stream(self, call: CallRef, stream_key: str) -> Stream:
        for stream in self.calls.streams(call.key):
            if stream.stream_key == stream_key:
                return stream
        raise NotFound(f"stream {stream_key} of call {call.key}", code="no_such_stream")


def _joined(before: Call | None, joining: JoinRequest, profile: Profile, round_: int) -> Call:
    """Return a call after one more stream has joined it."""
    call = before or Call(
        ref=joining.call,
        profile=profile.name,
        open=True,
        round=round_,
        generation=0,
        labels=profile.labels,
        opened_at=joining.opened_at,
    )
    return replace(
        _claimed(call, joining),
        profile=profile.name,
        open=True,
        round=round_,
        generation=call.generation + 1,
        labels={**call.labels, **joining.labels},
        node_id=call.node_id or f"tapedeck-{joining.worker}",
        closed_at=None,
        # A further stream moves it nowhere: an index's key that changes is two writes more.
        due_at=(call.due_at if call.open else None) or joining.opened_at + RECHECK,
    )


def _is_anothers(call: Call, joining: JoinRequest) -> bool:
    """Whether another worker owns the call, so that the stream belongs there."""
    is_owned = call.open and call.owner not in ("", joining.worker)
    return is_owned and not joining.is_captured and joining.over_epoch < call.epoch


def _claimed(call: Call, joining: JoinRequest) -> Call:
    """Return a call with its owner after a stream has joined."""
    is_free = not call.open or not call.owner
    if not is_free and (joining.is_captured or joining.over_epoch < call.epoch):
        return call
    return replace(call, owner=joining.worker, owner_address=joining.address, epoch=call.epoch + 1)


def _stream(joining: JoinRequest, profile: Profile, round_: int) -> Stream:
    return Stream(
        call=joining.call,
        stream_key=joining.stream_key,
        carrier_stream_id=joining.carrier_stream_id,
        round=round_,
        worker=joining.worker,
        dialect=joining.dialect,
        tracks=joining.tracks,
        encoding=joining.encoding or profile.encoding,
        rate_hz=joining.rate_hz,
        opened_at=joining.opened_at,
        journal_from=joining.journal_from,
    )
