"""Controls the life of a call: streams join and end, recordings start and end, the call closes.

Every step is one conditional write, and each function can be interrupted after any of them and run
again. The worker that owns a call uses it; for a dead worker the sweeper does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.errors import Forbidden, NotFound, PreconditionFailed
from chalicelib.ports.accounts import Profiles
from chalicelib.ports.rows import CallLife, Calls, LiveStreams
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
"""An open call is checked this often, in case its worker and the worker's lease are both gone."""

ASK_AGAIN = timedelta(seconds=3)
"""While a grace runs: a webhook of the carrier may end the grace early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallController:
    """Implements the port CallControl. Raises Unavailable when a retry is right."""

    calls: Calls
    call_life: CallLife
    live_streams: LiveStreams
    profiles: Profiles
    transitions: RecordingMover
    taps: TapController
    graces: Graces = field(default_factory=Graces)
    writer: Writer = Writer.OWNER

    def join_call(self, request: JoinRequest) -> JoinResult | OwnedElsewhere:
        """Put the stream under its call, open or reopen the call, and start its recordings: the
        pending ones and the profile's. If another worker owns the call, only return which one.

        Raises NotFound if the profile doesn't exist, and Forbidden if it is for another dialect; an
        RTP port is claimed by a profile, so it fits every one.
        """
        profile = self.profiles.get(request.call.account, request.profile)
        if request.dialect not in (profile.dialect, rtp_endpoint.DIALECT):
            raise Forbidden(
                f"profile {profile.name} speaks {profile.dialect}, not {request.dialect}",
                code="wrong_dialect",
            )
        stream = persistently(lambda: self._enter(request, profile))
        if isinstance(stream, OwnedElsewhere):
            return stream
        call = self.calls.get(request.call.key)
        recordings = self.rounds.start(call, profile, stream)
        return JoinResult(
            call=call.ref,
            call_session=stream.round,
            stream_count=call.generation,
            encoding=self._stream(call.ref, stream.stream_key).encoding,
            recordings=recordings,
            bidirectional=profile.bidirectional,
            taps=self.taps.left_to(call, request.worker) if call.generation > 1 else (),
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
        """Note that a stream ended and how, that all its media is in segments, and in which.

        Returns how it ended, which is STOPPED if a webhook of the carrier said so before. A DEAD
        stream was another worker's: the journal may hold media of it, as of one that isn't all
        `in_segments`. `reason` is why this side ended it. Raises NotFound.
        """
        stream = self._stream(call, stream_key)
        if stream.ended_at is None:
            is_complete = in_segments and ending is not Ending.DEAD
            ended = replace(stream, ended_at=at, ending=ending, complete=is_complete, reason=reason)
            self._write_end(replace(ended, segments=segments if is_complete else None))
        return self._stream(call, stream_key).ending or ending

    def lose_stream(self, stream: Stream, at: datetime) -> None:
        """Note that the worker of a stream died; the journal may hold media of the stream."""
        if stream.ended_at is None:
            self._write_end(replace(stream, ended_at=at, ending=Ending.DEAD))

    def close_call(self, call: CallRef, session: int, at: datetime) -> CloseResult:
        """Close the call if it has no live stream and no grace runs. Then its live recordings begin
        finalizing, and its taps end. Raises NotFound."""
        return persistently(lambda: self._close(call, session, at))

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """Move one recording of a live call to finalizing and start its finalization, or to
        `no_input`; one that ended already stays as it is. Raises NotFound."""
        self.rounds.end_one(recording_id, cause, at, digit)

    @property
    def rounds(self) -> SessionRecorder:
        """Return what starts and ends the recordings of a call's session."""
        return SessionRecorder(calls=self.calls, transitions=self.transitions, writer=self.writer)

    def _enter(self, request: JoinRequest, profile: Profile) -> Stream | OwnedElsewhere:
        """Write a stream under its call, once; or return the call's owner, if that is another one.
        The first to join owns the call: of two at once, which write the same stream count, one
        fails."""
        key = request.call.key
        for stream in self.calls.streams(key):
            if stream.stream_key == request.stream_key:
                return stream
        before = self._known_call(key)
        if before is not None and _is_anothers(before, request):
            return OwnedElsewhere(
                owner=before.owner, owner_epoch=before.epoch, address=before.owner_address
            )
        session = self.rounds.next_usable(before, next_round(before))
        stream = _stream(request, profile, session)
        self.call_life.join(_joined(before, request, profile, session), stream)
        return stream

    def _close(self, ref: CallRef, session: int, at: datetime) -> CloseResult:
        # The call first, then its streams: one that joins in between changes the stream count.
        call = self.calls.get(ref.key)
        streams = [one for one in self.calls.streams(ref.key) if one.round == session]
        if call.open and call.round == session:
            closes = closes_at(streams, self.graces)
            if closes is None:
                return CloseResult(closed=False)
            if closes > at:
                return CloseResult(closed=False, retry_at=min(closes, at + ASK_AGAIN))
            # `due_at` stays: if this process dies now, the sweeper continues from here, and at
            # once if the worker that still holds the streams died, too.
            call = replace(call, open=False, closed_at=at)
            self.call_life.close(call)
        self.rounds.end(call, session, streams, at)
        self.taps.end_round(call, session, self.writer, at)
        for stream in streams:
            if stream.complete:
                self.live_streams.forget(stream)
        self._settle(call, session)
        return CloseResult(closed=True)

    def _settle(self, call: Call, session: int) -> None:
        """Note that a closed call needs no further check."""
        if call.open or call.round != session or call.due_at is None:
            return
        try:
            self.call_life.postpone(replace(call, due_at=None))
        except PreconditionFailed:
            return  # a stream came and opened it again

    def _write_end(self, ended: Stream) -> None:
        try:
            self.call_life.end_stream(ended)
        except PreconditionFailed:
            return  # the owner and the sweeper may both end a stream: the first one counts

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


def _joined(before: Call | None, request: JoinRequest, profile: Profile, session: int) -> Call:
    """Return a call with one more stream."""
    call = before or Call(
        ref=request.call,
        profile=profile.name,
        open=True,
        round=session,
        generation=0,
        labels=profile.labels,
        opened_at=request.opened_at,
    )
    return replace(
        _claimed(call, request),
        profile=profile.name,
        open=True,
        round=session,
        generation=call.generation + 1,
        labels={**call.labels, **request.labels},
        node_id=call.node_id or f"tapedeck-{request.worker}",
        closed_at=None,
        # A further stream doesn't move it: changing an index key costs two more writes.
        due_at=(call.due_at if call.open else None) or request.opened_at + RECHECK,
    )


def _is_anothers(call: Call, request: JoinRequest) -> bool:
    """Whether another worker owns the call and must capture the stream."""
    is_owned = call.open and call.owner not in ("", request.worker)
    return is_owned and not request.is_captured and request.claims_over_epoch < call.epoch


def _claimed(call: Call, request: JoinRequest) -> Call:
    """Return a call with its owner after a stream joined."""
    is_free = not call.open or not call.owner
    if not is_free and (request.is_captured or request.claims_over_epoch < call.epoch):
        return call
    return replace(call, owner=request.worker, owner_address=request.address, epoch=call.epoch + 1)


def _stream(request: JoinRequest, profile: Profile, session: int) -> Stream:
    return Stream(
        call=request.call,
        stream_key=request.stream_key,
        carrier_stream_id=request.carrier_stream_id,
        round=session,
        worker=request.worker,
        dialect=request.dialect,
        tracks=request.tracks,
        encoding=request.encoding or profile.encoding,
        rate_hz=request.rate_hz,
        opened_at=request.opened_at,
        journal_from=request.journal_from,
    )
