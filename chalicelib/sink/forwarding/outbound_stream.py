"""A stream that this worker, which has its socket, forwards to the owner of its call.

The media of the last seconds also stays here while a recording needs it: if the owner dies, what
its journal didn't hold yet is lost there.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from enum import Enum

from chalicelib.capture.events import DigitPressed, Media, Track
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding import messages as wire
from chalicelib.sink.forwarding.connection import ForwardingConnection
from chalicelib.sink.ingest.buffered_stream import EventStream, Heard
from chalicelib.sink.runtime.limits import Limits


class ForwardingResult(Enum):
    """How the forwarding of a stream ended."""

    THROUGH = "through"
    """the stream ended, and the owner stored it"""
    UNREACHABLE = "unreachable"
    """the owner can't be reached: nothing was forwarded"""
    LOST = "lost"
    """the connection to the owner broke"""
    OVER = "over"
    """the owner stops"""
    RETURNED = "returned"
    """the other worker no longer owns the call"""


class OutboundStream:
    """Forwards one stream to the owner of its call."""

    def __init__(
        self, stream: EventStream, connection: ForwardingConnection, number: int, limits: Limits
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._number = number
        self._keeps_us = round(limits.forwarding_keeps_s * 1_000_000)
        self._is_unwanted = False
        self._is_open = True
        """the owner takes what comes"""
        self.result: asyncio.Future[ForwardingResult] = asyncio.get_running_loop().create_future()
        self.recent: deque[Heard] = deque()
        """what was forwarded last, unless no recording needs it"""
        self.forwarded: Counter[Track] = Counter()
        """bytes that came since it was opened"""

    @property
    def is_unwanted(self) -> bool:
        """Whether the owner's last word is that no recording needs the media."""
        return self._is_unwanted

    def open(self) -> None:
        """Describe the stream, then forward what was buffered of it."""
        started = self._stream.started
        assert started is not None
        opened = wire.StreamOpened(
            number=self._number,
            opening=self._stream.opening,
            opened_us=self._stream.opened_us,
            can_play=self._stream.can_play,
            started=started,
            brought=self._stream.brought,
        )
        self._connection.send(opened)
        self._stream.pass_to(self)

    def hear(self, media: Media, arrival_us: int) -> None:
        """Forward the media of one message: 50 times a second for each track."""
        self.forwarded[media.track] += len(media.payload)
        if self._is_open:
            self._connection.queue(
                wire.MediaReceived(
                    self._number, media.track, media.payload, arrival_us, media.sequence
                )
            )
        if not self._is_unwanted or not self._is_open:
            recent = self.recent
            recent.append((media, arrival_us))
            if recent[0][1] < arrival_us - self._keeps_us:
                recent.popleft()

    def press(self, pressed: DigitPressed, arrival_us: int) -> None:
        """Forward a digit."""
        if self._is_open:
            self._connection.send(wire.DigitReceived(self._number, pressed, arrival_us))

    def end(self) -> None:
        """Tell the owner that the stream ended."""
        assert self._stream.ending is not None
        if self._is_open:
            self._send_end(self._stream.ending, self._stream.ended_us, self._stream.reason)

    def received(self, message: wire.Message) -> None:
        """Take a message of the owner about the stream."""
        if type(message) is wire.KeepMedia:
            self._keep(message.is_kept)
        elif type(message) is wire.PlaySound:
            self._stream.is_bidirectional = True
            self._stream.play(message.pcm)
        elif type(message) is wire.StreamStored:
            self._finish(ForwardingResult.THROUGH)
        elif type(message) is wire.StreamRefused:
            self._stream.refuse(message.code)
            self._finish(ForwardingResult.THROUGH)
        elif type(message) is wire.StreamReleased and self._is_open:
            self._send_end(Ending.BROKEN, self._stream.now_us())
            if message.is_over and message.is_taken:
                self.recent.clear()
            self._finish(ForwardingResult.OVER if message.is_over else ForwardingResult.RETURNED)

    def lost(self) -> None:
        """Take note that the connection has ended."""
        self._finish(ForwardingResult.LOST)

    def _keep(self, is_kept: bool) -> None:
        if self.result.done():
            return
        self._is_unwanted = not is_kept
        if not is_kept:
            self.recent.clear()

    def _send_end(self, ending: Ending, ended_us: int, reason: str = "") -> None:
        self._is_open = False
        ended = wire.StreamEnded(self._number, ending, ended_us, self._stream.refused, reason)
        self._connection.send(ended)

    def _finish(self, result: ForwardingResult) -> None:
        """End; what comes from now on waits for the next worker that captures it."""
        self._is_open = False
        if not self.result.done():
            self.result.set_result(result)
