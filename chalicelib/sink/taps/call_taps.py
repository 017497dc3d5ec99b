"""The outgoing taps of one call on this worker: each lives by itself, and disturbs nobody.

A destination is reached first, then the tap listens, then its row says so; at its end it is silent
before its row says that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from chalicelib.errors import CallerError, NotFound, Unreachable
from chalicelib.recording.commands import Command
from chalicelib.recording.model import CallRef
from chalicelib.sink.ingest.fan_out import FanOut
from chalicelib.sink.taps.live_tap import LiveTap
from chalicelib.sink.taps.output import TapOutput
from chalicelib.sink.taps.tap_senders import Senders, playout
from chalicelib.tapping import lifecycle
from chalicelib.tapping.lifecycle import TapCause
from chalicelib.tapping.model import Tap, TapQuality, TapRequest
from chalicelib.tapping.options import parse_tap

_log = logging.getLogger(__name__)


class CallTaps:
    """Begins and ends a call's taps."""

    def __init__(self, ref: CallRef, fan_out: FanOut, senders: Senders) -> None:
        self._ref = ref
        self._fan_out = fan_out
        self._senders = senders
        self._lives: dict[str, _Life] = {}

    async def begin(self, command: Command) -> None:
        """Begin a tap; return when its row says what came of it."""
        life = self._lives.get(command.recording_id)
        if life is not None:
            await life.begun.wait()
        elif self._fan_out.streams:
            await self._begin(command)

    async def stop(self, command: Command) -> None:
        """End a tap; return when its row says so."""
        await self._stop(command, self._lives.get(command.recording_id))

    def take_over(self, taps: Iterable[Tap]) -> None:
        """Send on what another worker sent until it was out of reach."""
        for tap in taps:
            if tap.tap_id not in self._lives:
                request = TapRequest(
                    call=self._ref,
                    control_id=tap.control_id,
                    options=tap.options,
                    worker=self._senders.worker,
                    at=tap.created_at,
                )
                self._start(_Life(request, tap))

    async def finish(self) -> None:
        """End all: the call is closed, or lives elsewhere."""
        lives = list(self._lives.values())
        for life in lives:
            life.end(TapCause.CALL_CLOSED, str(TapCause.CALL_CLOSED))
        for life in lives:
            await life.over.wait()

    async def _begin(self, command: Command) -> None:
        try:
            request = self._request(command)
        except CallerError as error:
            _log.warning("a tap's properties were refused", extra={"code": error.code})
            return
        life = _Life(request)
        self._start(life)
        await life.begun.wait()

    def _start(self, life: _Life) -> None:
        self._lives[life.request.tap_id] = life
        self._senders.tasks.start(self._live(life))

    async def _stop(self, command: Command, life: _Life | None) -> None:
        if life is not None:
            life.end(TapCause.STOP, str(TapCause.STOP))
            await life.over.wait()
        else:
            # Its worker died, and nobody could take it over.
            key, tap_id, now = self._ref.key, command.recording_id, datetime.now(UTC)
            await self._senders.call(self._senders.live_taps.abandon, key, tap_id, now)

    def _request(self, command: Command) -> TapRequest:
        """Read a command. Raises InvalidRequest, UrlRefused."""
        control_id, options = parse_tap(command.tap, policy=self._senders.policy)
        return TapRequest(
            call=self._ref,
            control_id=control_id or "",
            options=options,
            worker=self._senders.worker,
            at=command.at,
        )

    async def _live(self, life: _Life) -> None:
        try:
            if len(self._lives) > self._senders.limits.taps_per_call:
                raise Unreachable("the call has taps enough", code="too_many_taps")
            outlet = await self._senders.open(life.request.options, life.lose)
            if life.is_too_late:
                outlet.close()
            else:
                await self._send(life, outlet)
        except Unreachable as error:
            await self._refuse(life, error.code)
        except NotFound:
            _log.info("a tap's call is gone", extra={"tap": life.request.tap_id})
        finally:
            self._lives.pop(life.request.tap_id, None)
            life.begun.set()
            life.over.set()

    async def _send(self, life: _Life, outlet: TapOutput) -> None:
        """Send from now on until the tap's end."""
        tap = LiveTap(playout(life.request.options), outlet)
        ticker = self._senders.ticker(life.request.options)
        self._fan_out.add(tap)
        ticker.add(tap.tick)
        self._senders.note_begin(tap)
        try:
            row = await self._row(life, outlet)
            life.begun.set()
            is_ours = self._is_ours(row)
            if is_ours:
                await life.ending.wait()
                if life.cause is TapCause.CALL_CLOSED:
                    await tap.drain()
        finally:
            ticker.remove(tap.tick)
            self._fan_out.remove(tap)
            outlet.close()
            self._senders.note_end(tap)
        if is_ours:
            await self._end_row(row, life.cause, life.reason, tap.quality())

    async def _row(self, life: _Life, outlet: TapOutput) -> Tap:
        """Have the tap's row say that we send, and return it."""
        live_taps, call = self._senders.live_taps, self._senders.call
        if life.taken is None:
            return await call(live_taps.begin, life.request, *outlet.source)
        return await call(live_taps.take_over, life.taken, life.request.worker, *outlet.source)

    async def _refuse(self, life: _Life, reason: str) -> None:
        """Have the tap's row say why nobody sends."""
        if life.taken is None:
            now = datetime.now(UTC)
            await self._senders.call(self._senders.live_taps.refuse, life.request, reason, now)
        else:
            await self._end_row(life.taken, TapCause.UNREACHABLE, reason, TapQuality())

    async def _end_row(self, tap: Tap, cause: TapCause, reason: str, quality: TapQuality) -> None:
        """Have the tap's row say that it ended, and why."""
        end, now = self._senders.live_taps.end, datetime.now(UTC)
        await self._senders.call(end, tap, cause, reason, quality, now)

    def _is_ours(self, row: Tap) -> bool:
        """Whether a row says that we send; one that was there already may say otherwise."""
        return lifecycle.is_tapping(row.state) and row.worker == self._senders.worker


class _Life:
    """A tap from its command to its end."""

    def __init__(self, request: TapRequest, taken: Tap | None = None) -> None:
        self.request = request
        self.taken = taken
        """what another worker sent; None: it begins"""
        self.begun = asyncio.Event()
        """its row says what came of the command"""
        self.ending = asyncio.Event()
        self.over = asyncio.Event()
        self.cause = TapCause.CALL_CLOSED
        self.reason = ""

    @property
    def is_too_late(self) -> bool:
        """Whether its call ended before its destination was reached: it never was a tap."""
        is_closed = self.ending.is_set() and self.cause is TapCause.CALL_CLOSED
        return is_closed and self.taken is None

    def end(self, cause: TapCause, reason: str) -> None:
        """Let it end; the first word counts."""
        if not self.ending.is_set():
            self.cause, self.reason = cause, reason
            self.ending.set()

    def lose(self, reason: str) -> None:
        """Let it end: its destination is lost."""
        self.end(TapCause.UNREACHABLE, reason)
