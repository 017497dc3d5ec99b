"""Fakes of a worker's ports; they are called from threads."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from chalicelib.capture.events import Encoding
from chalicelib.errors import NotFound, PreconditionFailed, TapedeckError, Unavailable
from chalicelib.ports.values import CloseResult, JoinRequest, JoinResult, Lease
from chalicelib.recording.intervals import Behavior
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import CallRef, Ending, Recording, RecordOptions, State
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest, TapState
from tests.fakes_media import FakeMediaStore


@dataclass
class SlowStore(FakeMediaStore):
    """A media bucket that can be slow, away, or hear everything."""

    delay_s: float = 0.0
    is_away: bool = False
    refused: int = 0

    def put(self, key: str, body: bytes) -> None:
        """Store, late or not at all."""
        time.sleep(self.delay_s)
        if self.is_away:
            self.refused += 1
            raise Unavailable("503", code="slow_down")
        super().put(key, body)


@dataclass
class FakeControl:
    """Calls in memory: every stream joins round 1, every call has one recording."""

    options: RecordOptions | None = field(default_factory=RecordOptions)
    encoding: Encoding = Encoding.PCMU
    delay_s: float = 0.0
    is_away: bool = False
    refusal: TapedeckError | None = None
    graces_s: dict[Ending, float] = field(default_factory=dict)
    stopped_by_webhook: bool = False
    joinings: list[JoinRequest] = field(default_factory=list)
    endings: dict[str, Ending] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    left: tuple[Tap, ...] = ()
    """what another worker tapped"""
    closed: list[tuple[CallRef, int]] = field(default_factory=list)
    ended_recordings: list[tuple[str, Cause, datetime]] = field(default_factory=list)
    _open: dict[str, dict[str, datetime | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def join_call(self, joining: JoinRequest) -> JoinResult:
        """Put the stream under its call."""
        self._answer()
        with self._lock:
            self.joinings.append(joining)
            self._open.setdefault(joining.call.key, {})[joining.stream_key] = None
        return JoinResult(
            call=joining.call,
            call_session=1,
            stream_count=len(self.joinings),
            encoding=joining.encoding or self.encoding,
            recordings=self._recordings(joining),
            taps=self.left,
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
        """Note how a stream ended."""
        self._answer()
        said = Ending.STOPPED if self.stopped_by_webhook else ending
        with self._lock:
            self.endings[stream_key] = said
            self.reasons[stream_key] = reason
            grace = timedelta(seconds=self.graces_s.get(said, 0.0))
            self._open[call.key][stream_key] = at + grace
        return said

    def close_call(self, call: CallRef, round_: int, at: datetime) -> CloseResult:
        """Close a call when all its streams ended and no grace runs."""
        self._answer()
        with self._lock:
            until = list(self._open[call.key].values())
            if None in until:
                return CloseResult(closed=False)
            latest = max(moment for moment in until if moment is not None)
            if latest > at:
                return CloseResult(closed=False, retry_at=latest)
            self.closed.append((call, round_))
        return CloseResult(closed=True)

    def end_recording(self, recording_id: str, cause: Cause, at: datetime, digit: str = "") -> None:
        """Note the end of a recording."""
        self._answer()
        self.ended_recordings.append((recording_id, cause, at))

    def _answer(self) -> None:
        time.sleep(self.delay_s)
        if self.is_away:
            raise Unavailable("the database is away")
        if self.refusal is not None:
            raise self.refusal

    def _recordings(self, joining: JoinRequest) -> tuple[Recording, ...]:
        if self.options is None:
            return ()
        return (
            Recording(
                recording_id=f"r-{joining.call.call_id}",
                call=joining.call,
                control_id="c-1",
                state=State.RECORDING,
                version=1,
                round=1,
                options=self.options,
                profile=joining.profile,
                created_at=joining.opened_at,
                started_at=joining.opened_at,
            ),
        )


class FakeLive:
    """Recordings of live calls: none that a command could change."""

    def begin(self, recording_id: str, at_us: int) -> Recording:
        """Know none."""
        raise NotFound(recording_id)

    def note_beep(self, recording_id: str, at_us: int) -> Recording:
        """Know none."""
        raise NotFound(recording_id)

    def pause(self, recording_id: str, at_us: int, behavior: Behavior) -> Recording:
        """Know none."""
        raise NotFound(recording_id)

    def resume(self, recording_id: str, at_us: int) -> Recording:
        """Know none."""
        raise NotFound(recording_id)


class FakeLiveTaps:
    """Taps in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Tap] = {}

    def begin(self, request: TapRequest, source_address: str, source_port: int) -> Tap:
        """Note a tap that sends."""
        tap = replace(
            _tap(request, TapState.TAPPING), source_address=source_address, source_port=source_port
        )
        return self.rows.setdefault(request.tap_id, tap)

    def take_over(self, tap: Tap, worker: str, source_address: str, source_port: int) -> Tap:
        """Note which worker sends now."""
        taken = replace(tap, worker=worker, source_address=source_address, source_port=source_port)
        self.rows[tap.tap_id] = taken
        return taken

    def abandon(self, call_key: str, tap_id: str, at: datetime) -> Tap:
        """Note that no worker sends a tap."""
        if tap_id not in self.rows:
            raise NotFound(tap_id)
        self.rows[tap_id] = replace(self.rows[tap_id], state=TapState.FINISHED, reason="stop")
        return self.rows[tap_id]

    def refuse(self, request: TapRequest, reason: str, at: datetime) -> Tap:
        """Note a tap that never sent."""
        tap = replace(_tap(request, TapState.FINISHED), reason=reason, ended_at=at)
        return self.rows.setdefault(request.tap_id, tap)

    def end(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality, at: datetime) -> Tap:
        """Note a tap's end."""
        ended = replace(
            tap, state=TapState.FINISHED, reason=reason, quality=quality, ended_at=at, version=2
        )
        self.rows[tap.tap_id] = ended
        return ended


def _tap(request: TapRequest, state: TapState) -> Tap:
    return Tap(
        tap_id=request.tap_id,
        call=request.call,
        control_id=request.control_id,
        state=state,
        version=1,
        round=1,
        options=request.options,
        profile="support",
        created_at=request.at,
        worker=request.worker,
    )


@dataclass
class FakeLeases:
    """Leases in memory."""

    leases: dict[str, Lease] = field(default_factory=dict)
    renewals: list[Lease] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    is_away: bool = False
    is_buried: bool = False

    def renew(self, lease: Lease) -> None:
        """Write the lease."""
        if self.is_away:
            raise Unavailable("the database is away")
        known = self.leases.get(lease.worker)
        if self.is_buried or (known is not None and known.over):
            raise PreconditionFailed("declared dead")
        self.renewals.append(lease)
        self.leases[lease.worker] = lease

    def release(self, worker: str) -> None:
        """Note the end of a worker."""
        self.released.append(worker)

    def all(self) -> list[Lease]:
        """Return every lease."""
        return list(self.leases.values())

    def declare_dead(self, lease: Lease) -> None:
        """Declare a worker dead."""
        self.leases[lease.worker] = replace(lease, over=True)

    def forget(self, worker: str) -> None:
        """Forget a worker."""
        del self.leases[worker]


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)
