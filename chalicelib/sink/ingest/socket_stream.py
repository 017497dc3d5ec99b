"""One socket's stream: its dialect's parser and its tracks. The hot path is `receive`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from chalicelib.capture.events import DigitPressed, Media, Reply, StreamEvent, StreamStarted
from chalicelib.carriers.contract.stream import CLOSE_CODES, StreamDialect
from chalicelib.errors import WireError
from chalicelib.recording import cuts
from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.ingest.close_codes import (
    GOING_AWAY,
    INTERNAL_ERROR,
    INVALID_TEXT,
    NORMAL,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    TOO_BIG,
    TRY_AGAIN_LATER,
)
from chalicelib.sink.ingest.live_stream import Opening, StreamOwner
from chalicelib.sink.ingest.websocket import MessageSocket
from chalicelib.sink.runtime.limits import Limits

MESSAGE_COST = 64
"""bytes that every message costs beside its own, so that empty ones aren't free"""

PART_COST = 128
"""bytes that a part costs beside its share of the message: six a message are affordable for ever"""
SCRAP_BYTES = 32
SCRAP_COST = 512
"""bytes that a smaller part, a ping or a pong costs: one a message is affordable, so that an empty
last part is; a flood of them ends after 7,000, which is some 20 ms of CPU"""

_REASONS = {
    GOING_AWAY: cuts.NO_PONG,
    PROTOCOL_ERROR: cuts.PROTOCOL_ERROR,
    INVALID_TEXT: cuts.INVALID_TEXT,
    POLICY_VIOLATION: cuts.UNREAD,
    TOO_BIG: cuts.MESSAGE_TOO_BIG,
    INTERNAL_ERROR: cuts.INTERNAL_ERROR,
    TRY_AGAIN_LATER: cuts.UNFINISHED_MESSAGES,
}
"""of closes that this session didn't ask for"""

_monotonic_ns = time.monotonic_ns

_log = logging.getLogger(__name__)


class SocketStream(EventStream):
    """The session on one socket."""

    def __init__(
        self,
        opening: Opening,
        dialect: StreamDialect,
        owner: StreamOwner,
        limits: Limits,
        *,
        can_play: bool = False,
    ) -> None:
        super().__init__(opening, owner, dialect.clock)
        self._limits = limits
        self._wire_rate = limits.wire_rate
        self._dialect = dialect
        self._parse = dialect.receive
        self._can_play = can_play
        self._credit = 0
        self._credited_us = 0
        self._spent_aside = 0
        """of the credit, by frames that brought no message"""
        self._refused: dict[str, int] = {}
        self._socket: MessageSocket | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._silence: asyncio.TimerHandle | None = None

    # --- what the socket says ---

    def opened(self, socket: MessageSocket) -> None:
        """Begin the stream's clock; take the start that the path tells, or give the carrier 5 s."""
        self._socket = socket
        self._begin_clock()
        self._credited_us = self.opened_us
        self._credit = self._credit_most()
        self._owner.stream_opened(self)
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(self._limits.stream_for_s, self._end_longest))
        self._watch(0)
        started = self._dialect.open()
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
            arrival_us = _monotonic_ns() // 1000 + self._anchor_us
            run.add(event.payload, arrival_us, event.sequence, event.offset)
        elif event is not None:
            self._note(event)

    def receive_many(self, messages: Sequence[str | bytes]) -> None:
        """Take the messages of one read, decoded in one call where the dialect can. They all came
        with the newest one; a broken one costs only itself."""
        decode = getattr(self._dialect, "receive_many", None)
        try:
            said = None if decode is None or self.started is None else decode(messages)
        except WireError:
            said = None
        if said is None:
            for message in messages:
                self.receive(message)
            return
        self._credit -= sum(map(len, messages)) + MESSAGE_COST * len(messages)
        if self._credit >= 0 or not self._is_flooding():
            self._note(tuple(said))

    def spend(self, size: int) -> None:
        """Charge a frame that brought no message."""
        cost = PART_COST if size >= SCRAP_BYTES else SCRAP_COST
        self._credit -= cost
        self._spent_aside += cost
        if self._credit < 0:
            self._is_flooding()

    def closed(self, ending: Ending, code: int) -> None:
        """End the stream, unless its stop did; `code`: with which this side closed first."""
        self._note_reason(_REASONS.get(code, ""))
        for timer in self._timers:
            timer.cancel()
        if self._silence is not None:
            self._silence.cancel()
        if self._waiting and self.started is None:
            _log.warning("media without a start was dropped", extra=self.labels())
        self._end(ending, self.now_us())
        self._socket = None
        self._owner.stream_closed(self)

    # --- what the call asks ---

    @property
    def can_play(self) -> bool:
        """Whether the carrier plays what it is sent."""
        return self._can_play

    def play(self, pcm: bytes) -> bool:
        """Play sound to the party, where the dialect can and the stream may."""
        if not (self._can_play and self.is_bidirectional) or self._socket is None:
            return False
        message = self._dialect.play(pcm)
        if message is not None:
            self._socket.send(message)
        return message is not None

    def refuse(self, code: str) -> None:
        """Close: the carrier may not stream this call."""
        self._close(POLICY_VIOLATION, code)

    def end_by_carrier(self) -> None:
        """End as the stream's own stop would: the carrier's API said that the call is over."""
        self._end(Ending.STOPPED, self.now_us())
        self._close(NORMAL, "call_over")

    def leave(self) -> None:
        """Ask the carrier to reconnect elsewhere, and take what it still sends."""
        self._leave(cuts.WORKER_STOPPED)

    def cut_off(self) -> None:
        """Cut the connection: the worker can't go on."""
        if self._socket is not None:
            self._socket.abort()

    @property
    def refused(self) -> int:
        """Count messages that the dialect didn't know."""
        return sum(self._refused.values())

    # --- rarer than media ---

    def _start(self, started: StreamStarted) -> None:
        limits = self._dialect.limits
        before, self._wire_rate = self._wire_rate, max(self._wire_rate, limits.wire_rate(started))
        if self._wire_rate > before:
            self._credit = self._credit_most()
        if self._socket is not None:
            self._socket.allow_large()
        super()._start(started)

    def _reply(self, reply: Reply) -> None:
        if self._socket is not None:
            self._socket.send(reply.message)

    def _note(self, said: StreamEvent | tuple[StreamEvent, ...]) -> None:
        """Take what is no single plain media."""
        arrival_us = self.now_us()
        for event in said if isinstance(said, tuple) else (said,):
            if type(event) is Media:
                self._take_aside(event, arrival_us)
            else:
                self._note_event(event)

    def _note_event(self, event: StreamEvent) -> None:
        if type(event) is Reply:
            self._reply(event)
        elif type(event) is StreamStarted:
            self._start(event)
        elif type(event) is DigitPressed:
            self._press(event, self.now_us())
        else:
            self._end(Ending.STOPPED, self.now_us())
            self._after(self._limits.linger_s, NORMAL, "stopped")

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
        earned = 3 * self._wire_rate * (now_us - self._credited_us) // 1_000_000
        self._credited_us = now_us
        self._credit = min(self._credit + earned, self._credit_most())
        if self._credit < 0:
            self._close(POLICY_VIOLATION, cuts.TOO_FAST)
        return self._credit < 0

    def _credit_most(self) -> int:
        return int(3 * self._wire_rate * self._limits.wire_burst_s)

    def _watch(self, silences: int) -> None:
        """Look after a while whether a message came: each costs credit."""
        loop, silent_s = asyncio.get_running_loop(), self._limits.silent_s
        left = self._credit + self._spent_aside
        self._silence = loop.call_later(silent_s, self._look_for_silence, left, silences)

    def _look_for_silence(self, left: int, silences: int) -> None:
        is_silent = self._credit + self._spent_aside == left
        if is_silent and self.started is not None and self.ending is None:
            silences += 1
            self._owner.stream_silent(self, silences)
        self._watch(silences)

    def _after(self, delay_s: float, code: int, reason: str) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_s, self._close_overdue, code, reason))

    def _close_overdue(self, code: int, reason: str) -> None:
        if reason != "start_missing" or self.started is None:
            self._close(code, reason)

    def _end_longest(self) -> None:
        """Ask the carrier to reconnect: the stream has reached its longest duration."""
        _log.warning("a stream is as long as it may be", extra=self.labels())
        self._leave(cuts.TOO_LONG)

    def _leave(self, reason: str) -> None:
        if self._socket is not None:
            self._note_reason(reason)
            self._socket.leave(GOING_AWAY, reason)

    def _close(self, code: int, reason: str) -> None:
        """Close, and end: later messages are ignored."""
        if self._socket is not None:
            _log.info("closing a stream", extra={**self.labels(), "code": code, "reason": reason})
            self._socket.close(code, reason)
            self._note_reason(reason)
            self._end(Ending.BROKEN, self.now_us())

    def _note_reason(self, reason: str) -> None:
        if self.ending is None and not self.reason:
            self.reason = reason
