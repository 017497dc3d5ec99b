"""A stream of dialect events and its tracks: on this worker's own socket, or forwarded by another
worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from chalicelib.capture.consumer_order import InOrder
from chalicelib.capture.events import Clock, DigitPressed, Encoding, Media, StreamStarted, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.reordering import PlacedRun
from chalicelib.capture.runs import LiveRun, StreamCapture, bytes_per_sample
from chalicelib.recording.model import Ending
from chalicelib.sink.ingest.ingest_state import (
    OVER,
    UNSETTLED,
    IngestCause,
    IngestState,
    after,
)
from chalicelib.sink.ingest.live_stream import LiveStream, MediaConsumer, Opening, StreamOwner

_MOST_UNWANTED = 3000
"""messages, half a minute of two tracks, that wait until it is read whether somebody records"""

Heard = tuple[Media, int]
"""a message's media, and when it arrived"""


class Forwarder(Protocol):
    """Forwards the media of a stream to the worker that captures it."""

    def hear(self, media: Media, arrival_us: int) -> None:
        """Take a message's media."""

    def press(self, pressed: DigitPressed, arrival_us: int) -> None:
        """Take a digit that the carrier sent as a message."""


class EventStream(LiveStream):
    """Media in, records out.

    `IngestState` says where media goes. A subclass puts plain media into `_runs` itself where
    there are any: that is the hot path.
    """

    def __init__(self, opening: Opening, owner: StreamOwner, clock: Clock = Clock.ARRIVAL) -> None:
        super().__init__(opening, owner)
        self.brought: tuple[tuple[Track, int], ...] = ()
        """as in `StreamHead`"""
        self._clock = clock
        self._state = IngestState.WAITING
        self._waiting: list[Heard] = []
        self._capture: StreamCapture | None = None
        self._runs: dict[Track, LiveRun] | None = None
        """the capture's tracks; None while media goes elsewhere than there alone"""
        self._orders: dict[Track, InOrder] = {}
        """of tracks whose messages tell their time, for the listener"""
        self._forwarder: Forwarder | None = None

    # --- what the call asks ---

    def cut(self) -> list[Record]:
        """Return what came since the last cut."""
        self._settle()
        return self._capture.cut() if self._capture else []

    def head(self) -> StreamHead:
        """Return the stream's head with its counts up to the last cut."""
        assert self._capture is not None
        self._capture.refused = self.refused
        return self._capture.head()

    def correct(self, encoding: Encoding) -> None:
        """Set the encoding that the profile knows; of no effect on what was cut."""
        self.encoding = encoding
        if self._capture is not None:
            for run in self._capture.tracks.values():
                run.encoding = encoding

    def drop_media(self) -> None:
        """Discard buffered media; from now on only count samples: nobody records."""
        self._settle()
        self._enter(IngestCause.COUNT)
        self.cut()

    def keep_media(self) -> None:
        """Keep what follows."""
        self._settle()
        self._enter(IngestCause.KEEP)

    def listen(self, listener: MediaConsumer | None) -> None:
        """Give what follows to a listener, kept or not; None: to nobody."""
        self._settle()
        if listener is None:
            self._flush_orders()
        self._listener = listener
        self._route()

    # --- forwarding ---

    @property
    def is_passable(self) -> bool:
        """Whether all of it still waits here. A stream whose messages tell their time is captured
        where its socket is: the other worker may not know that it does."""
        is_whole = self._state in UNSETTLED and self._capture is not None
        return is_whole and self._clock is Clock.ARRIVAL

    def pass_to(self, forwarder: Forwarder) -> None:
        """Forward what waits, and what follows."""
        waiting, self._waiting = self._waiting, []
        for media, arrival_us in waiting:
            forwarder.hear(media, arrival_us)
        self._forwarder = forwarder
        self._enter(IngestCause.FORWARD)

    def begin_anew(
        self,
        stream_key: str,
        heard: Iterable[Heard],
        passed: Mapping[Track, int],
        *,
        is_unwanted: bool,
    ) -> None:
        """Continue as another stream that begins with these messages, because the worker that
        captured the first one is gone. `passed`: bytes of each track since then, these messages
        included."""
        self.is_unwanted = is_unwanted
        self.opening = replace(self.opening, stream_key=stream_key)
        self._waiting, self._forwarder = list(heard), None
        self._enter(IngestCause.TAKE_BACK)
        self._count_brought(passed)
        self.opened_us = self._waiting[0][1] if self._waiting else self.now_us()
        self._begin_capture()

    def _count_brought(self, passed: Mapping[Track, int]) -> None:
        width, brought = bytes_per_sample(self.encoding), Counter(dict(self.brought))
        for track, size in passed.items():
            brought[track] += size // width
        for media, _ in self._waiting:
            brought[media.track] -= len(media.payload) // width
        self.brought = tuple(sorted(brought.items()))

    # --- what comes ---

    def _start(self, started: StreamStarted) -> None:
        self.started = started
        self.encoding = started.encoding or self.encoding
        self.rate_hz = started.rate_hz
        self._begin_capture()
        self._owner.stream_started(self)

    def _begin_capture(self) -> None:
        assert self.started is not None
        self._capture = StreamCapture(
            StreamHead(
                stream_key=self.opening.stream_key,
                call_key=self.call.key,
                carrier_stream_id=self.started.carrier_stream_id,
                dialect=self.opening.dialect,
                rate_hz=self.started.rate_hz,
                opened_at_us=self.opened_us,
                profile=self.opening.profile,
                encoding=self.started.encoding,
                brought=self.brought,
                clock=self._clock,
            )
        )

    def _settle(self) -> None:
        """Put what waits to its tracks: it is captured here."""
        if self._state not in UNSETTLED or self._capture is None:
            return
        waiting, self._waiting = self._waiting, []
        for media, arrival_us in waiting:
            run = self._open_run(media.track)
            run.add(media.payload, arrival_us, media.sequence, media.offset)
        self._enter(IngestCause.SETTLE)

    def _enter(self, cause: IngestCause) -> None:
        self._state = after(self._state, cause)
        self._route()

    def _route(self) -> None:
        """Let the hot path put media straight to its tracks where it goes there alone."""
        is_plain = self._state is IngestState.KEPT and self._listener is None
        self._runs = self._capture.tracks if is_plain and self._capture else None

    def _take_aside(self, media: Media, arrival_us: int) -> None:
        """Take media that doesn't go to its track alone."""
        if self._state in OVER:
            return
        if self._forwarder is not None:
            self._forwarder.hear(media, arrival_us)
        elif self._state is IngestState.WAITING:
            self._waiting.append((media, arrival_us))
            if self.is_unwanted and len(self._waiting) > _MOST_UNWANTED:
                del self._waiting[0]
        else:
            self._take_heard(media, arrival_us)

    def _take_heard(self, media: Media, arrival_us: int) -> None:
        """Take media for a listener, or media that isn't kept."""
        run = self._open_run(media.track)
        if isinstance(run, PlacedRun):
            self._take_placed(run, media, arrival_us)
            return
        if self._state is IngestState.KEPT:
            run.add(media.payload, arrival_us, media.sequence)
        else:
            run.pass_over(len(media.payload), media.sequence)
        if self._listener is not None:
            self._listener.hear(self, media.track, media.payload, arrival_us)

    def _take_placed(self, run: PlacedRun, media: Media, arrival_us: int) -> None:
        """Take media that tells its time; a listener gets it in order."""
        source = run.source
        placed = run.receive(media.payload, arrival_us, media.sequence, media.offset)
        if self._state is IngestState.KEPT:
            run.keep(placed)
        if self._listener is None:
            return
        order = self._orders.get(media.track)
        if order is None or run.source != source:
            assert self._capture is not None
            order = self._orders[media.track] = InOrder(self._capture.head())
        for one in placed:
            for payload, told_us in order.take(one):
                self._listener.hear(self, media.track, payload, told_us)

    def _flush_orders(self) -> None:
        """Give the listener what still waits for a message that didn't come."""
        orders, self._orders = self._orders, {}
        for track, order in orders.items():
            for payload, told_us in order.flush():
                if self._listener is not None:
                    self._listener.hear(self, track, payload, told_us)

    def _press(self, pressed: DigitPressed, arrival_us: int) -> None:
        """Pass on a key that the party pressed; digits played to the party don't count."""
        if self._forwarder is not None:
            self._forwarder.press(pressed, arrival_us)
        elif self._listener is not None and pressed.track is not Track.OUTBOUND:
            self._listener.press(self, pressed.digit, arrival_us)

    def _open_run(self, track: Track) -> LiveRun:
        assert self._capture is not None
        return self._capture.track(track, self.encoding)

    def _end(self, ending: Ending, ended_us: int) -> None:
        if self.ending is None:
            self._flush_orders()
            self.ending = ending
            self.ended_us = ended_us
            self._enter(IngestCause.END)
            self.ended.set()
