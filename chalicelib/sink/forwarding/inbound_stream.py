"""A stream that another worker forwards to this one, the owner of its call."""

from __future__ import annotations

from msgspec.structs import replace

from chalicelib.capture.events import Media
from chalicelib.capture.records import StreamHead
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding.connection import ForwardingConnection
from chalicelib.sink.forwarding.messages import (
    DigitReceived,
    KeepMedia,
    MediaReceived,
    PlaySound,
    StreamOpened,
    StreamRefused,
    StreamReleased,
    StreamStored,
)
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.ingest.live_stream import StreamOwner


class InboundStream(EventStream):
    """One stream of a forwarding connection. Its arrival times are those of the forwarding worker's
    clock; hosts are synchronised to a few ms."""

    def __init__(
        self, opened: StreamOpened, connection: ForwardingConnection, owner: StreamOwner
    ) -> None:
        super().__init__(opened.opening, owner)
        self._can_play = opened.can_play
        self._number = opened.number
        self._connection = connection
        self._refused = 0
        self._is_told_kept = True
        self._is_released = False

    def open(self, opened: StreamOpened) -> None:
        """Start at the time at which the forwarding worker's stream started."""
        self._begin_clock()
        self.opened_us = opened.opened_us
        self.brought = opened.brought
        self._owner.stream_opened(self)
        self._start(opened.started)

    def hear(self, heard: MediaReceived) -> None:
        """Take a message's media."""
        runs = self._runs
        if runs is not None and heard.track in runs:
            runs[heard.track].add(heard.payload, heard.arrival_us, heard.sequence)
        else:
            media = Media(heard.track, heard.payload, heard.sequence)
            self._take_aside(media, heard.arrival_us)

    def press(self, message: DigitReceived) -> None:
        """Take a digit."""
        self._press(message.pressed, message.arrival_us)

    def close(self, ending: Ending, ended_us: int, refused: int = 0, reason: str = "") -> None:
        """End; the first ending counts."""
        self._refused = refused or self._refused
        if not self.ended.is_set():
            self.reason = reason
            self._end(ending, ended_us)
            self._owner.stream_closed(self)

    # --- called by the call ---

    @property
    def refused(self) -> int:
        """Return 0: the forwarding worker counts the messages that it couldn't read."""
        return 0

    def head(self) -> StreamHead:
        """Return the head with its counts; after the end, those of the forwarding worker."""
        return replace(super().head(), messages_refused=self._refused)

    @property
    def was_cut(self) -> bool:
        """Return False: the forwarding worker counts it."""
        return False

    @property
    def can_play(self) -> bool:
        """Whether the forwarding worker's stream can play."""
        return self._can_play

    def play(self, pcm: bytes) -> bool:
        """Ask the forwarding worker to play sound to the party."""
        if not self._can_play or not self.is_bidirectional:
            return False
        self._connection.send(PlaySound(self._number, pcm))
        return True

    def give_back(self) -> bool:
        """Let the forwarding worker ask again who owns the call."""
        self._release(is_over=False)
        return True

    def let_go(self) -> None:
        """Tell the forwarding worker that the stream is stored."""
        self._connection.send(StreamStored(self._number))

    def drop_media(self) -> None:
        """Discard media, here and at the forwarding worker."""
        super().drop_media()
        self._tell_kept(False)

    def keep_media(self) -> None:
        """Keep what follows."""
        super().keep_media()
        self._tell_kept(True)

    def refuse(self, code: str) -> None:
        """Let the forwarding worker close: the carrier may not stream this call."""
        self._connection.send(StreamRefused(self._number, code))
        self.close(Ending.CLOSED, self.now_us())

    def leave(self) -> None:
        """Ask the forwarding worker to continue by itself; accept what it still sends."""
        self._release(is_over=True)

    def cut_off(self) -> None:
        """Close the connection, and so all its streams."""
        self._connection.abort()

    def _release(self, is_over: bool) -> None:
        if not self._is_released:
            self._is_released = True
            self._connection.send(StreamReleased(self._number, is_over))

    def _tell_kept(self, is_kept: bool) -> None:
        if is_kept is not self._is_told_kept and not self.ended.is_set():
            self._is_told_kept = is_kept
            self._connection.send(KeepMedia(self._number, is_kept))
