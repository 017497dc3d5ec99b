"""One socket's stream: its dialect's parser and its tracks. The hot path is `receive`."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chalicelib.capture.events import Encoding, Media, StreamEvent, StreamStarted, Track
from chalicelib.capture.record import Record, StreamHead
from chalicelib.capture.runs import StreamCapture, TrackRun
from chalicelib.dialects.streams.base import CLOSE_CODES, StreamDialect
from chalicelib.errors import WireError
from chalicelib.recording.model import CallRef, Ending
from chalicelib.sink.limits import Limits
from chalicelib.sink.websocket import GOING_AWAY, NORMAL, POLICY_VIOLATION, MessageSocket

MESSAGE_COST = 64
"""bytes that every message costs beside its own, so that empty ones aren't free"""

_ENCODING_UNTIL_JOINED = Encoding.PCMU
"""where neither the path nor a start says it; assembly goes by the stream's row"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_monotonic_ns = time.monotonic_ns

_log = logging.getLogger(__name__)


def instant(wall_us: int) -> datetime:
    """Return a reading of the wall clock as a datetime."""
    return _EPOCH + timedelta(microseconds=wall_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What the handshake proved and named."""

    account: str
    profile: str
    carrier: str
    dialect: StreamDialect
    stream_key: str


class StreamOwner(Protocol):
    """Who follows a worker's streams."""

    def stream_opened(self, stream: Stream) -> None:
        """Take note of a socket."""

    def stream_started(self, stream: Stream) -> None:
        """Put the stream, with what it may hold already, under its call."""

    def stream_closed(self, stream: Stream) -> None:
        """Forget a socket."""


class Stream:
    """The session on one socket; its media waits here for the call's next cut."""

    def __init__(self, opening: Opening, owner: StreamOwner, limits: Limits) -> None:
        self.opening = opening
        self.started: StreamStarted | None = None
        self.opened_us = 0
        """wall clock at the handshake"""
        self.ended = asyncio.Event()
        self.ended_us = 0
        self.ending: Ending | None = None
        self._owner = owner
        self._limits = limits
        self._parse = opening.dialect.receive
        self._anchor_us = 0
        """wall clock minus monotonic clock, read once: arrivals never jump"""
        self._credit = 0
        self._credited_us = 0
        self._early: list[tuple[Media, int]] = []
        """what came before the start"""
        self._encoding = _ENCODING_UNTIL_JOINED
        self._capture: StreamCapture | None = None
        self._runs: dict[Track, TrackRun] | None = None
        """the capture's tracks; None while media goes elsewhere than there"""
        self._refused: dict[str, int] = {}
        self._socket: MessageSocket | None = None
        self._timers: list[asyncio.TimerHandle] = []

    # --- what the socket says ---

    def opened(self, socket: MessageSocket) -> None:
        """Begin the stream's clock; take the start that the path tells, or give the carrier 5 s."""
        self._socket = socket
        self._anchor_us = (time.time_ns() - time.monotonic_ns()) // 1000
        self.opened_us = self._credited_us = self.now_us()
        self._credit = self._credit_most()
        self._owner.stream_opened(self)
        self._after(self._limits.stream_for_s, POLICY_VIOLATION, "stream_too_long")
        started = self.opening.dialect.open()
        if started is not None:
            self._start(started)
        else:
            self._after(self._limits.start_within_s, CLOSE_CODES["start_missing"], "start_missing")

    def receive(self, message: str | bytes) -> None:
        """Take one message: 100 times a second for a call of two tracks."""
        self._credit = credit = self._credit - len(message) - MESSAGE_COST
        if credit < 0 and self._is_flooding():
            return
        try:
            event = self._parse(message)
        except WireError as error:
            self._refuse(error)
            return
        runs = self._runs
        if runs is not None and type(event) is Media:
            try:
                run = runs[event.track]
            except KeyError:
                run = self._open_run(event.track)
            run.add(event.payload, _monotonic_ns() // 1000 + self._anchor_us, event.sequence)
        elif event is not None:
            self._note(event)

    def spend(self, size: int) -> None:
        """Charge bytes that brought no message."""
        self._credit -= size + MESSAGE_COST
        if self._credit < 0:
            self._is_flooding()

    def closed(self, ending: Ending) -> None:
        """End the stream, unless its stop did."""
        for timer in self._timers:
            timer.cancel()
        if self._early:
            _log.warning("media without a start was dropped", extra=self.labels())
        self._end(ending)
        self._socket = None
        self._owner.stream_closed(self)

    # --- what the call asks ---

    def cut(self) -> list[Record]:
        """Return what came since the last cut."""
        return self._capture.cut() if self._capture else []

    def head(self) -> StreamHead:
        """Return the stream's head with its counts up to the last cut."""
        assert self._capture is not None
        self._capture.refused = self.refused
        return self._capture.head()

    def correct(self, encoding: Encoding) -> None:
        """Set the encoding that the profile knows; of no effect on what was cut."""
        self._encoding = encoding
        if self._capture is not None:
            for run in self._capture.tracks.values():
                run.encoding = encoding

    def drop_media(self) -> None:
        """Let go what waits here, and of what follows keep only how long it is: nobody records."""
        self._runs = None
        self.cut()

    def keep_media(self) -> None:
        """Keep what follows."""
        if self._capture is not None and not self.ended.is_set():
            self._runs = self._capture.tracks

    def refuse(self, code: str) -> None:
        """Close: the carrier may not stream this call."""
        self._close(POLICY_VIOLATION, code)

    def leave(self) -> None:
        """Ask the carrier to go elsewhere, and take what it still sends."""
        if self._socket is not None:
            self._socket.leave(GOING_AWAY, "the worker stops")

    def cut_off(self) -> None:
        """Cut the connection: the worker can't go on."""
        if self._socket is not None:
            self._socket.abort()

    def now_us(self) -> int:
        """Return the time on the clock of the stream's arrivals."""
        return _monotonic_ns() // 1000 + self._anchor_us

    @property
    def refused(self) -> int:
        """Count messages that the dialect didn't know."""
        return sum(self._refused.values())

    def labels(self) -> dict[str, str]:
        """Return what a log line may say of the stream."""
        return {"stream_key": self.opening.stream_key, "dialect": self.opening.dialect.name}

    # --- rarer than media ---

    def _note(self, event: StreamEvent) -> None:
        if type(event) is Media:
            if self.started is None:
                self._early.append((event, self.now_us()))
            elif self.ending is None:
                self._open_run(event.track).pass_over(len(event.payload), event.sequence)
        elif type(event) is StreamStarted:
            self._start(event)
        else:
            self._end(Ending.STOPPED)
            self._after(self._limits.linger_s, NORMAL, "stopped")

    def _start(self, started: StreamStarted) -> None:
        opening = self.opening
        self.started = started
        self._encoding = started.encoding or self._encoding
        self._capture = StreamCapture(
            StreamHead(
                stream_key=opening.stream_key,
                call_key=self.call.key,
                carrier_stream_id=started.carrier_stream_id,
                dialect=opening.dialect.name,
                rate_hz=started.rate_hz,
                opened_at_us=self.opened_us,
            )
        )
        self._runs = self._capture.tracks
        early, self._early = self._early, []
        for media, arrival_us in early:
            run = self._runs.get(media.track) or self._open_run(media.track)
            run.add(media.payload, arrival_us, media.sequence)
        self._owner.stream_started(self)

    @property
    def call(self) -> CallRef:
        """Return the call that a started stream belongs to."""
        assert self.started is not None
        return CallRef(
            account=self.opening.account,
            carrier=self.opening.carrier,
            call_id=self.started.call_id,
        )

    def _open_run(self, track: Track) -> TrackRun:
        assert self._capture is not None
        return self._capture.track(track, self._encoding)

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending
            self.ended_us = self.now_us()
            self._runs = None
            self.ended.set()

    def _refuse(self, error: WireError) -> None:
        """Count what the dialect doesn't know; close where it can't go on after that."""
        if error.code not in self._refused:
            _log.info("a message was refused", extra={**self.labels(), "code": error.code})
        self._refused[error.code] = self._refused.get(error.code, 0) + 1
        if error.code in CLOSE_CODES:
            self._close(CLOSE_CODES[error.code], error.code)

    def _is_flooding(self) -> bool:
        """Renew the credit; close a stream that spent more than it may ever get."""
        now_us = self.now_us()
        earned = 3 * self._limits.wire_rate * (now_us - self._credited_us) // 1_000_000
        self._credited_us = now_us
        self._credit = min(self._credit + earned, self._credit_most())
        if self._credit < 0:
            self._close(POLICY_VIOLATION, "too_fast")
        return self._credit < 0

    def _credit_most(self) -> int:
        return int(3 * self._limits.wire_rate * self._limits.wire_burst_s)

    def _after(self, delay_s: float, code: int, reason: str) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_s, self._close_overdue, code, reason))

    def _close_overdue(self, code: int, reason: str) -> None:
        if reason != "start_missing" or self.started is None:
            self._close(code, reason)

    def _close(self, code: int, reason: str) -> None:
        if self._socket is not None:
            _log.info("closing a stream", extra={**self.labels(), "code": code, "reason": reason})
            self._socket.close(code, reason)
