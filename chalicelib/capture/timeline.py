"""A call's capture on one clock: which stored samples sound when, and where nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.record import StoredRecord


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
    largest_skew_us: int
    reconnects: int
