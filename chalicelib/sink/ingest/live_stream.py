"""A carrier's live copy of a call's tracks, as its call sees it, over any transport."""

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
    """The verified facts of a stream before any media came."""

    account: str
    profile: str
    carrier: str
    dialect: str
    stream_key: str
    tells_digits: bool = False
    """as messages"""


class StreamOwner(Protocol):
    """Follows a worker's streams."""

    def stream_opened(self, stream: LiveStream) -> None:
        """Register a stream."""

    def stream_started(self, stream: LiveStream) -> None:
        """Put the stream, with what it may hold already, under its call."""

    def stream_closed(self, stream: LiveStream) -> None:
        """Forget a stream."""

    def stream_silent(self, stream: LiveStream, number: int) -> None:
        """Note that the stream has been silent for long, for the n-th time."""


class MediaConsumer(Protocol):
    """Takes a stream's media live: detectors, outgoing taps. It must return within
    microseconds."""

    def hear(self, stream: LiveStream, track: Track, payload: bytes, arrival_us: int) -> None:
        """Take a message's payload, in the stream's encoding."""

    def press(self, stream: LiveStream, digit: str, arrival_us: int) -> None:
        """Take a digit that the carrier sent as a message."""


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
        """no recording was active when the call was last read: it isn't captured before the call is
        read again"""
        self._owner = owner
        self._anchor_us = 0
        """wall clock minus monotonic clock, read once: arrivals never jump"""
        self._listener: MediaConsumer | None = None
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
        """Return the time on the clock that arrivals are measured on."""
        return _monotonic_ns() // 1000 + self._anchor_us

    def labels(self) -> dict[str, str]:
        """Return what a log line may say of the stream."""
        return {"stream_key": self.opening.stream_key, "dialect": self.opening.dialect}

    @property
    def can_play(self) -> bool:
        """Whether the carrier plays what it is sent."""
        return False

    def play(self, pcm: bytes) -> bool:
        """Play sound to the party; return whether it was sent. Most streams lead one way only."""
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
        """Discard buffered media; from now on only count samples."""

    @abstractmethod
    def keep_media(self) -> None:
        """Keep what follows."""

    def drop_before(self, wall_us: int) -> None:  # noqa: B027  # most streams hold nothing so old
        """Discard what a new stream received before an instant, when a pause ended."""

    @abstractmethod
    def listen(self, listener: MediaConsumer | None) -> None:
        """Give what follows to a consumer, kept or not; None: to none."""

    @abstractmethod
    def refuse(self, code: str) -> None:
        """Close: the carrier may not stream this call."""

    @abstractmethod
    def leave(self) -> None:
        """Ask the carrier to reconnect elsewhere, and take what it still sends."""

    @abstractmethod
    def cut_off(self) -> None:
        """Cut the connection: the worker can't go on."""

    def end_by_carrier(self) -> None:  # noqa: B027  # of the others the carrier tells the end
        """End: the carrier's API said that the call is over."""

    @property
    def is_passable(self) -> bool:
        """Whether another worker could capture all of it."""
        return False

    def give_back(self) -> bool:
        """Return the stream to the worker that forwarded it; False: none did."""
        return False

    def let_go(self) -> None:  # noqa: B027  # most streams have no peer to notify
        """Note that all of its media is stored."""

    @property
    def was_cut(self) -> bool:
        """Return whether this worker ended it although its carrier may have had more to say."""
        return is_cut(self.reason)

    def _begin_clock(self) -> None:
        self._anchor_us = (time.time_ns() - time.monotonic_ns()) // 1000
        self.opened_us = self.now_us()
