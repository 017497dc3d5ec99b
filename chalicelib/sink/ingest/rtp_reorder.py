"""An RTP stream for a listener: its sound in order, 20 ms every 20 ms, and its digits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chalicelib.capture.events import Encoding, Track
from chalicelib.media import codecs
from chalicelib.media.digits import DigitBegun
from chalicelib.media.jitter import Depth, JitterBuffer
from chalicelib.media.rtp import ENCODINGS, RATE_HZ, TELEPHONE_EVENT
from chalicelib.media.rtp_source import Received
from chalicelib.media.telephone_event import TelephoneEvents, parse_telephone_event
from chalicelib.sink.ingest.live_stream import MediaConsumer

if TYPE_CHECKING:
    from chalicelib.sink.ingest.live_stream import LiveStream

FRAME = 160
FRAME_S = 0.02
DEPTH = Depth(least=3 * FRAME, most=10 * FRAME, kept=4 * FRAME)
"""60 to 200 ms. Packets that wait until their sender is known come all at once: the 80 ms that this
takes at the usual 20 ms a packet are kept, so that nothing is left out to catch up"""
SILENT_FRAMES = 10
"""of a hole are given as silence, so that a lost packet keeps the rhythm; then nothing is given
until sound comes again, as from a carrier that sends none"""
_CATCH_UP_S = 1.0
"""after a longer standstill of the event loop the rhythm starts over"""
_SAMPLE_US = 1_000_000 // RATE_HZ


class OrderedFeed:
    """One listener, or the listeners of one call."""

    def __init__(self, stream: LiveStream, track: Track, listener: MediaConsumer) -> None:
        self._stream = stream
        self._track = track
        self.listener = listener
        """of the sound and the digits"""
        self._buffer: JitterBuffer | None = None
        self._kind = -1
        """the payload type that is given to the listener"""
        self._source = -1
        self._sounding = -1
        """the source of the latest sound"""
        self._digits = TelephoneEvents(RATE_HZ)
        self._unheard = SILENT_FRAMES + 1
        """frames since sound came"""
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def take(self, one: Received) -> None:
        """Take a packet in its place. Raises WireError for a telephone-event that is none."""
        if one.source != self._source:
            self._source = one.source
            self._digits = TelephoneEvents(RATE_HZ)
        if one.payload_type == TELEPHONE_EVENT:
            self._press(one)
            return
        if one.source != self._sounding:
            self._begin_source(one)
        assert self._buffer is not None
        payload = one.payload if one.payload_type == self._kind else self._converted(one)
        self._buffer.push(one.position, payload)

    def stop(self) -> None:
        """Give nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin_source(self, one: Received) -> None:
        """Forget the positions of the sender before: this one's have nothing to do with them."""
        self._sounding = one.source
        waited = max(0, self._stream.now_us() - one.arrival_us) // _SAMPLE_US
        if self._buffer is not None and one.payload_type == self._kind:
            self._buffer.restart(one.position, waited)
        else:
            self._begin_buffer(one, waited)

    def _begin_buffer(self, one: Received, waited: int) -> None:
        self.stop()
        self._kind = one.payload_type
        self._stream.encoding = Encoding(ENCODINGS[one.payload_type])
        self._buffer = JitterBuffer(self._stream.encoding, DEPTH)
        self._buffer.begin(one.position, waited)
        loop = asyncio.get_running_loop()
        # Half a frame from when packets come: at the same moment, one would be early, one late.
        self._due_s = loop.time() + FRAME_S / 2
        self._timer = loop.call_at(self._due_s, self._tick)

    def _converted(self, one: Received) -> bytes:
        """Return a packet's sound in the buffer's encoding: the sender may change its own with any
        packet."""
        return codecs.convert(one.payload, ENCODINGS[one.payload_type], ENCODINGS[self._kind])

    def _press(self, one: Received) -> None:
        for event in self._digits.receive(parse_telephone_event(one.payload), one.position):
            # What is sent to the party is none of its own keys.
            if isinstance(event, DigitBegun) and self._track is not Track.OUTBOUND:
                self.listener.press(self._stream, event.digit, one.arrival_us)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if now_s - self._due_s > _CATCH_UP_S:
            self._due_s = now_s
        # At least one: the loop's clock has milliseconds, and a timer may come a little early.
        while True:
            self._give()
            self._due_s += FRAME_S
            if self._timer is None:
                return  # the listener had enough
            if self._due_s > now_s:
                break
        self._timer = loop.call_at(self._due_s, self._tick)

    def _give(self) -> None:
        assert self._buffer is not None
        pulled = self._buffer.pull(FRAME)
        self._unheard = 0 if pulled.heard else self._unheard + 1
        if self._unheard <= SILENT_FRAMES:
            arrival_us = self._stream.now_us() - self._buffer.depth * _SAMPLE_US
            self.listener.hear(self._stream, self._track, pulled.payload, arrival_us)
