"""What all taps of a worker share: how destinations are reached, clocks, the door to their rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import ParamSpec

from chalicelib.media.rtp import RATE_HZ
from chalicelib.ports.call_owner import LiveTaps
from chalicelib.security.url_guard import UrlPolicy
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.runtime.retrying import RetryPool
from chalicelib.sink.runtime.tasks import Tasks
from chalicelib.sink.runtime.ticker import Ticker
from chalicelib.sink.taps.dialer import Dialer
from chalicelib.sink.taps.live_tap import LiveTap
from chalicelib.sink.taps.output import TapOutput
from chalicelib.sink.taps.rtp_output import RtpOutlet
from chalicelib.sink.taps.websocket_output import WsOutlet
from chalicelib.tapping.model import Tap, TapOptions, rtp_address
from chalicelib.tapping.packetizer import MessagePacketizer, RtpPacketizer
from chalicelib.tapping.playout import Playout

P = ParamSpec("P")

WS_PTIME_MS = 20
"""`rtp_ptime` is of no effect on a websocket"""


class Senders:
    """Opens ways out for taps, and counts what they do."""

    def __init__(
        self,
        worker: str,
        live: LiveTaps,
        dialer: Dialer,
        health: Health,
        limits: Limits,
        public_host: str,
    ) -> None:
        """`public_host` is the IPv4 that the world sees; empty: the worker's own."""
        self.worker = worker
        self.limits = limits
        self.live_taps = live
        self._rows = RetryPool("taps", limits.tap_threads, health, limits)
        self.tasks = Tasks()
        """connections that are opened again, and taps' lives"""
        self._live: set[LiveTap] = set()
        self._dropped = 0
        """messages of taps that are over"""
        self._dialer = dialer
        self._public_host = public_host
        self._tickers: dict[int, Ticker] = {}

    async def call(self, function: Callable[P, Tap], *args: P.args, **kwargs: P.kwargs) -> Tap:
        """Call a function of `live_taps` until it answers; a pool of its own delays no call."""
        return await self._rows.retry(function, *args, **kwargs)

    def ticker(self, options: TapOptions) -> Ticker:
        """Return the clock that a tap sends by."""
        return self._tickers.setdefault(_ptime_ms(options), Ticker(_ptime_ms(options)))

    @property
    def policy(self) -> UrlPolicy:
        """Return which addresses may be sent to."""
        return self._dialer.policy

    @property
    def taps(self) -> int:
        """Count taps that send."""
        return len(self._live)

    @property
    def dropped(self) -> int:
        """Count messages that taps dropped, since the worker began."""
        return self._dropped + sum(tap.quality().messages_dropped for tap in self._live)

    def note_begin(self, tap: LiveTap) -> None:
        """Count a tap that sends."""
        self._live.add(tap)

    def note_end(self, tap: LiveTap) -> None:
        """Count a tap that sends no more, and what it dropped."""
        self._live.discard(tap)
        self._dropped += tap.quality().messages_dropped

    async def open(self, options: TapOptions, on_end: Callable[[str], None]) -> TapOutput:
        """Return a tap's way out; it says when its destination is lost for good, and why.

        Raises Unreachable.
        """
        address = rtp_address(options.uri)
        if address is not None:
            self._dialer.verify(options.uri)
            return RtpOutlet(*address, self._public_host, self.limits, on_end)
        message_bytes = WS_PTIME_MS * RATE_HZ // 1000
        dial = partial(self._dialer.dial, options.uri)
        outlet = WsOutlet(dial, message_bytes, WS_PTIME_MS, self.limits, self.tasks, on_end)
        await outlet.open()
        return outlet

    async def close(self) -> None:
        """Leave what is under way."""
        await self.tasks.cancel()
        self._rows.close()


def playout(options: TapOptions) -> Playout:
    """Return what a tap of these options sends."""
    codec, ptime_ms = str(options.codec), _ptime_ms(options)
    if rtp_address(options.uri) is None:
        return Playout(options.direction, codec, ptime_ms, MessagePacketizer(codec, ptime_ms))
    packetizer = RtpPacketizer(
        codec,
        ptime_ms,
        ssrc=secrets.randbits(32),
        sequence=secrets.randbits(16),
        timestamp=secrets.randbits(32),
    )
    return Playout(options.direction, codec, ptime_ms, packetizer)


def _ptime_ms(options: TapOptions) -> int:
    return WS_PTIME_MS if rtp_address(options.uri) is None else options.rtp_ptime_ms
