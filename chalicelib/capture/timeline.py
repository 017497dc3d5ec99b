"""A call's capture on one clock: which stored samples sound when, and where nothing does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import StoredRecord


class Reason(StrEnum):
    """Why media that should be there isn't."""

    NOT_RECEIVED = "not_received"
    """the carrier sent nothing meanwhile: hold, DTX, a fault of its own"""
    LOST_MESSAGES = "lost_messages"
    """its sequence numbers say so, too"""
    NOT_STORED = "not_stored"
    """received, but its object is missing or broken"""
    LATE_TRACK = "late_track"
    """the track began after the call's first sample"""
    ENDED_EARLY = "ended_early"
    """the track ended before the call's last sample"""
    RECONNECT = "reconnect"
    """between the end of one stream and the beginning of the next"""
    NO_MEDIA = "no_media"
    """the track was announced and never came"""
    PAUSED = "paused"
    """said before a pause and on its way when it began"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A stretch of stored samples on the call clock."""

    stored: StoredRecord
    encoding: Encoding
    skip: int
    """samples of the payload that another stream, or an earlier copy, already gives"""
    samples: int
    position: int
    """on the call clock, in samples at the timeline's rate"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Media that should be there and isn't, on the call clock, in samples."""

    track: Track
    position: int
    samples: int
    reason: str
    """a `Reason`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All tracks of a call's round, placed: each track's placements in order, without overlap."""

    rate_hz: int
    origin_us: int
    """the wall clock at position 0"""
    samples: int
    """up to the end of the last placement"""
    tracks: Mapping[Track, tuple[Placement, ...]]
    holes: tuple[Hole, ...]
    """those of 40 ms and more; shorter silence between placements is only silence"""
    largest_skew_us: int
    reconnects: int
    knots: tuple[tuple[int, int], ...] = ()
    """(wall clock in µs, position) every minute or so: the carrier's clock against ours"""
    left_out: tuple[str, ...] = ()
    """keys of streams whose rate isn't the timeline's"""

    def position_at(self, wall_us: int) -> int:
        """Return the position that sounds at an instant of the wall clock; may be negative."""
        place = bisect_right(self.knots, wall_us, key=lambda knot: knot[0]) - 1
        known_us, position = self.knots[max(place, 0)] if self.knots else (self.origin_us, 0)
        return position + round((wall_us - known_us) * self.rate_hz / 1_000_000)
