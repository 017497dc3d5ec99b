"""An RTP port's stream: packets in from one sender after the other. The hot path is `receive`.

Capture never waits: a packet is kept as it comes, with its position. Only listeners wait for
order, in `rtp_hearing`; a stream that nobody listens to runs nothing of it.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from chalicelib.capture.events import Clock, Encoding, StreamStarted
from chalicelib.capture.packets import PacketCapture
from chalicelib.capture.records import Record, StreamHead
from chalicelib.errors import WireError
from chalicelib.media.candidates import Held
from chalicelib.media.rtp import RATE_HZ, TELEPHONE_EVENT, RtpPacket
from chalicelib.media.rtp_source import Received
from chalicelib.recording.cuts import WORKER_STOPPED
from chalicelib.recording.model import Ending
from chalicelib.recording.rtp_endpoint import PortClaim
from chalicelib.sink.ingest.live_stream import LiveStream, MediaConsumer, Opening, StreamOwner
from chalicelib.sink.ingest.rtp_reorder import OrderedFeed

_monotonic_ns = time.monotonic_ns

_log = logging.getLogger(__name__)


class Port(Protocol):
    """Where the packets come in."""

    @property
    def claim(self) -> PortClaim:
        """Return what it is claimed for."""

    @property
    def waiting(self) -> int:
        """Return how many packets of other senders wait."""

    def leave(self) -> None:
        """End when what is under way is here."""

    def shut(self, reason: str) -> None:
        """End now."""


class RtpStream(LiveStream):
    """What one sender, or one after the other, sends to a port until it is silent for long."""

    def __init__(
        self,
        opening: Opening,
        owner: StreamOwner,
        port: Port,
        encoding: Encoding,
        first_us: int,
    ) -> None:
        """`first_us`: when its first packet came, on the monotonic clock."""
        super().__init__(opening, owner)
        self.latest_us = 0
        """when its last packet came"""
        self.encoding = encoding
        self.refusals: Counter[str] = Counter()
        """datagrams that weren't taken, by code"""
        claim = port.claim
        self._track = claim.options.track
        self._port = port
        self._begin_clock()
        self.latest_us = self.opened_us = first_us + self._anchor_us
        self.started = StreamStarted(
            call_id=claim.call.call_id,
            carrier_stream_id=claim.claim_id,
            tracks=(self._track,),
            encoding=encoding,
            rate_hz=RATE_HZ,
        )
        self._capture = PacketCapture(self._new_head(), self._track)
        self._place, self._add = self._capture.receive, self._capture.add
        self._kept_from_us = 0.0
        """0: what comes is kept; infinite: nothing is; else what was said since then"""
        self._prompt_us: dict[int, float] = {}
        """the least lateness of each source lately, from its packets, also during a pause"""
        self._feed: OrderedFeed | None = None

    def begin(self) -> None:
        """Let the worker know of it."""
        self._owner.stream_opened(self)
        self._owner.stream_started(self)

    def receive_held(self, held: Sequence[Held]) -> None:
        """Take packets that waited until their sender was known, each with when it came on the
        monotonic clock."""
        for packet, came_us in held:
            self.receive(packet, came_us)

    def receive(self, packet: RtpPacket, came_us: int = 0) -> None:
        """Take one packet: 50 times a second for each track. `came_us`: when, on the monotonic
        clock; 0: now."""
        arrival_us = (came_us or _monotonic_ns() // 1000) + self._anchor_us
        self.latest_us = arrival_us
        try:
            for one in self._place(packet, arrival_us):
                is_sound = one.payload_type != TELEPHONE_EVENT
                if is_sound and (not self._kept_from_us or self._is_of_now(one)):
                    self._add(one)
                if self._feed is not None:
                    self._feed.take(one)
        except WireError as error:
            self.count_refused(error.code)

    def count_refused(self, code: str) -> None:
        """Count a datagram that isn't taken."""
        if code not in self.refusals:
            _log.info("a datagram was refused", extra={**self.labels(), "code": code})
        self.refusals[code] += 1

    def end(self, ending: Ending, reason: str) -> None:
        """End with the last packet; once. `reason`: why this side ended it, if it did."""
        if self.ending is None:
            self.ending, self.reason = ending, reason
            self.ended_us = self.latest_us
            self._kept_from_us = math.inf
            self.listen(None)
            self.ended.set()
            self._owner.stream_closed(self)

    # --- what the call asks ---

    @property
    def refused(self) -> int:
        """Count datagrams that weren't taken."""
        return self.refusals.total()

    @property
    def received(self) -> int:
        """Count packets that were taken, each number once."""
        return self._capture.received

    def cut(self) -> list[Record]:
        """Return what came since the last cut."""
        records = self._capture.cut()
        if records:
            self._prompt_us = {}
            for record in records:
                self._note_lateness(record.source, record.least_lateness_us)
        return records

    def head(self) -> StreamHead:
        """Return the stream's head with its counts up to the last cut."""
        self._capture.refused = self.refused + self._port.waiting
        return self._capture.head()

    def correct(self, encoding: Encoding) -> None:
        """Do nothing: each packet says its own, and a stream may have both."""

    def drop_media(self) -> None:
        """Discard buffered packets; from now on only note positions."""
        self._kept_from_us = math.inf
        self.cut()

    def keep_media(self) -> None:
        """Keep what is said from now on: a network that stood still may deliver older sound."""
        if math.isinf(self._kept_from_us) and self.ending is None:
            self._kept_from_us = self.now_us()

    def drop_before(self, wall_us: int) -> None:
        """Discard packets that came before an instant: they waited until their sender was known."""
        if self.opened_us < wall_us:
            self._capture.let_go_before(wall_us)
            self._kept_from_us = max(self._kept_from_us, wall_us)

    def listen(self, listener: MediaConsumer | None) -> None:
        """Give what follows to a consumer, kept or not; None: to none."""
        if listener is None or self.ending is not None:
            feed, self._feed = self._feed, None
            if feed is not None:
                feed.stop()
        elif self._feed is None:
            self._feed = OrderedFeed(self, self._track, listener)
        else:
            self._feed.listener = listener

    def refuse(self, code: str) -> None:
        """Close the port: the call may not be streamed."""
        self._port.shut(code)

    def leave(self) -> None:
        """End when what is under way is here."""
        self._port.leave()

    def cut_off(self) -> None:
        """End: the worker can't go on."""
        self._port.shut(WORKER_STOPPED)

    def _is_of_now(self, one: Received) -> bool:
        """Whether sound is wanted by when it would have come as promptly as its source's
        promptest: what waited for its like, or was held back by the network, is older."""
        lateness_us = self._capture.lateness_us(one)
        if math.isinf(self._kept_from_us):
            self._note_lateness(one.source, lateness_us)
            return False
        excess_us = max(0.0, lateness_us - self._prompt_us.get(one.source, lateness_us))
        return one.arrival_us - excess_us >= self._kept_from_us

    def _note_lateness(self, source: int, lateness_us: float) -> None:
        self._prompt_us[source] = min(lateness_us, self._prompt_us.get(source, lateness_us))

    def _new_head(self) -> StreamHead:
        assert self.started is not None
        return StreamHead(
            stream_key=self.opening.stream_key,
            call_key=self.call.key,
            carrier_stream_id=self.started.carrier_stream_id,
            dialect=self.opening.dialect,
            rate_hz=RATE_HZ,
            opened_at_us=self.opened_us,
            clock=Clock.RTP,
            profile=self.opening.profile,
            encoding=self.started.encoding,
        )
