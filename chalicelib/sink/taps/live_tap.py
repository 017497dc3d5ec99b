"""One tap while it sends: what it hears goes into its playout, what its clock takes out is sent."""

from __future__ import annotations

import asyncio

from chalicelib.capture.events import Track
from chalicelib.sink.ingest.live_stream import LiveStream
from chalicelib.sink.taps.output import TapOutput
from chalicelib.tapping.model import TapQuality
from chalicelib.tapping.playout import Playout

_LOOK_AGAIN_S = 0.02
_DRAINS_WITHIN_S = 2.0
"""a playout holds 1.24 s at the most"""


class LiveTap:
    """A listener with a way out."""

    def __init__(self, playout: Playout, outlet: TapOutput) -> None:
        self._playout = playout
        self._outlet = outlet

    def hear(self, stream: LiveStream, track: Track, payload: bytes, _arrival_us: int) -> None:
        """Take a message's payload."""
        self._playout.take(track, payload, stream.encoding, stream.rate_hz)

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Leave a digit: it isn't sound."""

    def tick(self) -> None:
        """Send what is due."""
        for message in self._playout.tick():
            self._outlet.send(message)

    async def drain(self) -> None:
        """Return when all that was heard is sent."""
        for _ in range(round(_DRAINS_WITHIN_S / _LOOK_AGAIN_S)):
            if self._playout.is_drained:
                return
            await asyncio.sleep(_LOOK_AGAIN_S)

    def quality(self) -> TapQuality:
        """Return what can be said of it by now."""
        return TapQuality(
            messages_sent=self._outlet.sent,
            messages_dropped=self._outlet.dropped,
            messages_late=self._playout.messages_late,
            silence_ms=self._playout.silence_ms,
            skipped_ms=self._playout.skipped_ms,
            reconnects=self._outlet.reconnects,
        )
