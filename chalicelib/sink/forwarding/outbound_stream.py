"""One stream's way from the worker that has its socket to the one that owns its call.

What was passed on lately stays here, too, while the owner wants it: an owner that dies takes with
it what its journal didn't hold yet.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from enum import Enum

from chalicelib.capture.events import DigitPressed, Media, Track
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.forwarding.connection import Link
from chalicelib.sink.ingest.buffered_stream import EventStream, Heard
from chalicelib.sink.runtime.limits import Limits


class Outcome(Enum):
    """What came of passing a stream on."""

    THROUGH = "through"
    """it ended, and the owner stored it"""
    UNREACHABLE = "unreachable"
    """the owner can't be reached: nothing was passed"""
    LOST = "lost"
    """the connection to the owner broke"""
    OVER = "over"
    """the owner goes"""
    RETURNED = "returned"
    """it isn't the owner's any more"""


class Passage:
    """One stream's way to the owner of its call."""

    def __init__(self, stream: EventStream, link: Link, number: int, limits: Limits) -> None:
        self._stream = stream
        self._link = link
        self._number = number
        self._keeps_us = round(limits.relay_keeps_s * 1_000_000)
        self._is_unwanted = False
        self._is_open = True
        """what comes is the owner's"""
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.lately: deque[Heard] = deque()
        """what was passed last; nothing of what nobody records"""
        self.passed: Counter[Track] = Counter()
        """bytes that came since it was opened"""

    @property
    def is_unwanted(self) -> bool:
        """Tell whether the owner said last that nobody records."""
        return self._is_unwanted

    def open(self) -> None:
        """Say what the stream is, then all that waits of it."""
        started = self._stream.started
        assert started is not None
        opened = wire.Opened(
            number=self._number,
            opening=self._stream.opening,
            opened_us=self._stream.opened_us,
            can_play=self._stream.can_play,
            started=started,
            brought=self._stream.brought,
        )
        self._link.send(opened)
        self._stream.pass_to(self)

    def hear(self, media: Media, arrival_us: int) -> None:
        """Take a message's media: 50 times a second for each track."""
        self.passed[media.track] += len(media.payload)
        if self._is_open:
            self._link.pass_on(
                wire.Heard(self._number, media.track, media.payload, arrival_us, media.sequence)
            )
        if not self._is_unwanted or not self._is_open:
            lately = self.lately
            lately.append((media, arrival_us))
            if lately[0][1] < arrival_us - self._keeps_us:
                lately.popleft()

    def press(self, pressed: DigitPressed, arrival_us: int) -> None:
        """Take a digit."""
        if self._is_open:
            self._link.send(wire.Pressed(self._number, pressed, arrival_us))

    def end(self) -> None:
        """Say that the stream ended."""
        assert self._stream.ending is not None
        if self._is_open:
            self._say_ended(self._stream.ending, self._stream.ended_us, self._stream.reason)

    def received(self, said: wire.Said) -> None:
        """Take what the owner says of the stream."""
        if type(said) is wire.Kept:
            self._keep(said.is_kept)
        elif type(said) is wire.Play:
            self._stream.is_bidirectional = True
            self._stream.play(said.pcm)
        elif type(said) is wire.Stored:
            self._come_to(Outcome.THROUGH)
        elif type(said) is wire.Refused:
            self._stream.refuse(said.code)
            self._come_to(Outcome.THROUGH)
        elif type(said) is wire.Released and self._is_open:
            self._say_ended(Ending.BROKEN, self._stream.now_us())
            if said.is_over and said.is_taken:
                self.lately.clear()
            self._come_to(Outcome.OVER if said.is_over else Outcome.RETURNED)

    def lost(self) -> None:
        """Take note that the connection is over."""
        self._come_to(Outcome.LOST)

    def _keep(self, is_kept: bool) -> None:
        if self.outcome.done():
            return
        self._is_unwanted = not is_kept
        if not is_kept:
            self.lately.clear()

    def _say_ended(self, ending: Ending, ended_us: int, reason: str = "") -> None:
        self._is_open = False
        ended = wire.Ended(self._number, ending, ended_us, self._stream.refused, reason)
        self._link.send(ended)

    def _come_to(self, outcome: Outcome) -> None:
        """End; what comes from now on waits for whoever captures it next."""
        self._is_open = False
        if not self.outcome.done():
            self.outcome.set_result(outcome)
