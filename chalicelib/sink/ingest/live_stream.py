"""A carrier's live copy of a call's tracks, as its call sees it, whatever brings the media."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from chalicelib.capture.events import Encoding, StreamStarted, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.recording.cuts import is_cut
from chalicelib.recording.model import CallRef, Ending

ENCODING_UNTIL_JOINED = Encoding.PCMU
"""where neither the path nor a start says it; assembly goes by the stream's row"""

_monotonic_ns = time.monotonic_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What was proved and named before any media came."""

    account: str
    profile: str
    carrier: str
    dialect: str
    stream_key: str
    tells_digits: bool = False
    """beside the sound"""


class StreamOwner(Protocol):
    """Who follows a worker's streams."""

    def stream_opened(self, stream: LiveStream) -> None:
        """Take note of a stream."""

    def stream_started(self, stream: LiveStream) -> None:
        """Put the stream, with what it may hold already, under its call."""

    def stream_closed(self, stream: LiveStream) -> None:
        """Forget a stream."""

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Take note that nothing came for long, for the n-th time in the stream's life."""


class Listener(Protocol):
    """Who hears a stream while it comes: detectors, outgoing taps. What it does takes
    microseconds."""

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        """Take a message's payload, in the stream's encoding."""

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Take a digit that the carrier told beside the sound."""


class LiveStream(ABC):
    """One stream; its media waits here for the call's next cut."""

    def __init__(self, opening: Opening, owner: StreamOwner) -> None:
        self.opening = opening
        self.started: StreamStarted | None = None
        self.opened_us = 0
        """wall clock at its beginning"""
        self.ended = asyncio.Event()
        self.ended_us = 0
        self.ending: Ending | None = None
        self.reason = ""
        """why this side ended it, as in `recording/cuts.py`; empty: its carrier, or the network"""
        self.encoding = ENCODING_UNTIL_JOINED
        """of what its listener is given"""
        self.rate_hz = 8000
        """samples a second of what its listener is given"""
        self.is_unwanted = False
        """nobody recorded when it was last heard of the call: it isn't captured before that is read
        again"""
        self._owner = owner
        self._anchor_us = 0
        """wall clock minus monotonic clock, read once: arrivals never jump"""
        self._listener: Listener | None = None
        self.is_bidirectional = False
        """the carrier was asked to play what is sent back"""

    @property
    def call(self) -> CallRef:
        """Return the call that a started stream belongs to."""
        assert self.started is not None
        return CallRef(
            account=self.opening.account,
            carrier=self.opening.carrier,
            call_id=self.started.call_id,
        )

    def now_us(self) -> int:
        """Return the time on the clock of the stream's arrivals."""
        return _monotonic_ns() // 1000 + self._anchor_us

    def labels(self) -> dict[str, str]:
        """Return what a log line may say of the stream."""
        return {"stream_key": self.opening.stream_key, "dialect": self.opening.dialect}

    @property
    def can_play(self) -> bool:
        """Tell whether its dialect knows how to play sound to the party."""
        return False

    def play(self, pcm: bytes) -> bool:
        """Play sound to the party; tell whether it may hear it. Most streams lead one way only."""
        return False

    @property
    @abstractmethod
    def refused(self) -> int:
        """Count what came and could not be read."""

    @abstractmethod
    def cut(self) -> list[Record]:
        """Return what came since the last cut."""

    @abstractmethod
    def head(self) -> StreamHead:
        """Return the stream's head with its counts up to the last cut."""

    @abstractmethod
    def correct(self, encoding: Encoding) -> None:
        """Set the encoding that the profile knows; of no effect on what was cut."""

    @abstractmethod
    def drop_media(self) -> None:
        """Let go what waits here, and of what follows keep only how long it is: nobody records."""

    @abstractmethod
    def keep_media(self) -> None:
        """Keep what follows."""

    def drop_before(self, wall_us: int) -> None:  # noqa: B027  # most streams hold nothing so old
        """Let go what came before an instant, when a pause ended, of a stream that begins."""

    @abstractmethod
    def listen(self, listener: Listener | None) -> None:
        """Let somebody hear what follows, kept or not; None: nobody."""

    @abstractmethod
    def refuse(self, code: str) -> None:
        """Close: the carrier may not stream this call."""

    @abstractmethod
    def leave(self) -> None:
        """Ask the carrier to go elsewhere, and take what it still sends."""

    @abstractmethod
    def cut_off(self) -> None:
        """Cut the connection: the worker can't go on."""

    def end_by_carrier(self) -> None:  # noqa: B027  # of the others the carrier tells the end
        """End: the carrier said, when it was asked, that the call is over."""

    @property
    def is_passable(self) -> bool:
        """Tell whether another worker could capture all of it."""
        return False

    def give_back(self) -> bool:
        """Leave the stream to the worker that passed it on; False: none did."""
        return False

    def let_go(self) -> None:  # noqa: B027  # most streams have nobody to tell
        """Take note that all of its media is stored."""

    @property
    def was_cut(self) -> bool:
        """Return whether this worker ended it although its carrier may have had more to say."""
        return is_cut(self.reason)

    def _begin_clock(self) -> None:
        self._anchor_us = (time.time_ns() - time.monotonic_ns()) // 1000
        self.opened_us = self.now_us()
