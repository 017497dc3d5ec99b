"""A stream that another worker passes on, as this one, the call's owner, captures it."""

from __future__ import annotations

from msgspec.structs import replace

from chalicelib.capture.events import Media
from chalicelib.capture.records import StreamHead
from chalicelib.recording.model import Ending
from chalicelib.sink.forwarding.connection import Link
from chalicelib.sink.forwarding.messages import (
    Heard,
    Kept,
    Opened,
    Play,
    Pressed,
    Refused,
    Released,
    Stored,
)
from chalicelib.sink.ingest.buffered_stream import EventStream
from chalicelib.sink.ingest.live_stream import StreamOwner


class RelayedStream(EventStream):
    """One number of a relay's connection. Its arrivals are on the passing worker's clock; hosts are
    synchronised to a few ms."""

    def __init__(self, opened: Opened, link: Link, owner: StreamOwner) -> None:
        super().__init__(opened.opening, owner)
        self._can_play = opened.can_play
        self._number = opened.number
        self._link = link
        self._refused = 0
        self._is_told_kept = True
        self._is_released = False

    def open(self, opened: Opened) -> None:
        """Begin where the passing worker's stream began."""
        self._begin_clock()
        self.opened_us = opened.opened_us
        self.brought = opened.brought
        self._owner.stream_opened(self)
        self._start(opened.started)

    def hear(self, heard: Heard) -> None:
        """Take a message's media."""
        runs = self._runs
        if runs is not None and heard.track in runs:
            runs[heard.track].add(heard.payload, heard.arrival_us, heard.sequence)
        else:
            media = Media(heard.track, heard.payload, heard.sequence)
            self._take_aside(media, heard.arrival_us)

    def press(self, said: Pressed) -> None:
        """Take a digit."""
        self._press(said.pressed, said.arrival_us)

    def close(self, ending: Ending, ended_us: int, refused: int = 0, reason: str = "") -> None:
        """End; the first ending counts."""
        self._refused = refused or self._refused
        if not self.ended.is_set():
            self.reason = reason
            self._end(ending, ended_us)
            self._owner.stream_closed(self)

    # --- what the call asks ---

    @property
    def refused(self) -> int:
        """Count nothing: the passing worker counts what came and could not be read."""
        return 0

    def head(self) -> StreamHead:
        """Return the stream's head with its counts, those of the passing worker when it ended."""
        return replace(super().head(), messages_refused=self._refused)

    @property
    def was_cut(self) -> bool:
        """Return False: the passing worker counts it."""
        return False

    @property
    def can_play(self) -> bool:
        """Tell whether the passing worker's stream can play."""
        return self._can_play

    def play(self, pcm: bytes) -> bool:
        """Let the passing worker play sound to the party."""
        if not self._can_play or not self.is_bidirectional:
            return False
        self._link.send(Play(self._number, pcm))
        return True

    def give_back(self) -> bool:
        """Leave it to the passing worker to ask whose the call is."""
        self._release(is_over=False)
        return True

    def let_go(self) -> None:
        """Tell that it is stored."""
        self._link.send(Stored(self._number))

    def drop_media(self) -> None:
        """Let go what waits here, and at the passing worker."""
        super().drop_media()
        self._tell_kept(False)

    def keep_media(self) -> None:
        """Keep what follows."""
        super().keep_media()
        self._tell_kept(True)

    def refuse(self, code: str) -> None:
        """Let the passing worker close: the carrier may not stream this call."""
        self._link.send(Refused(self._number, code))
        self.close(Ending.CLOSED, self.now_us())

    def leave(self) -> None:
        """Ask the passing worker to go on by itself, and take what it still sends."""
        self._release(is_over=True)

    def cut_off(self) -> None:
        """Cut the connection, with all that comes on it."""
        self._link.abort()

    def _release(self, is_over: bool) -> None:
        if not self._is_released:
            self._is_released = True
            self._link.send(Released(self._number, is_over))

    def _tell_kept(self, is_kept: bool) -> None:
        if is_kept is not self._is_told_kept and not self.ended.is_set():
            self._is_told_kept = is_kept
            self._link.send(Kept(self._number, is_kept))
