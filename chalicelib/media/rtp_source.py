"""One RTP sender's numbers: which of its packets are new, and where they belong.

A position counts samples since the source's first packet. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.errors import WireError
from chalicelib.media.rtp import (
    COMFORT_NOISE,
    ENCODINGS,
    RATE_HZ,
    TELEPHONE_EVENT,
    RtpPacket,
    extend_sequence,
    extend_timestamp,
)

MOST_STEP_US = 10_000_000
"""no network keeps UDP so long: where the time between two packets and the difference of their
timestamps differ by more, the sender restarted its count"""
WINDOW = 1024
"""sequence numbers, about 20 s, in which a copy is known; RFC 3550 calls 100 misordered"""
LATE_US = 40_000
SOUNDLESS = frozenset({COMFORT_NOISE, TELEPHONE_EVENT})
"""payload types that may come among any sound"""


class Received(msgspec.Struct, frozen=True, gc=False):
    """A packet in its place."""

    payload_type: int
    payload: bytes
    """never empty"""
    position: int
    """samples since the source's first packet; negative for one sent before that"""
    sequence: int
    """the number, extended, less those that packets without sound used: it counts sound"""
    source: int
    """0, 1, …: counts the SSRCs, and the senders that restarted"""
    arrival_us: int


class Counts(msgspec.Struct):
    """Counts of the packets of a source or of a port."""

    received: int = 0
    """each number once"""
    lost: int = 0
    late: int = 0
    """40 ms and more later, against their timestamps, than the one before"""
    reordered: int = 0
    duplicated: int = 0


class Source:
    """One sender's numbers."""

    __slots__ = (
        "_first_timestamp",
        "_highest",
        "_lateness_us",
        "_lowest",
        "_number",
        "_seen",
        "_soundless",
        "_timestamp",
        "counts",
        "payload_type",
        "ssrc",
    )

    def __init__(self, number: int, packet: RtpPacket, arrival_us: int) -> None:
        self.ssrc = packet.ssrc
        self.payload_type = -1
        """of its latest sound; any that is known may follow"""
        self.counts = Counts()
        self._number = number
        self._lowest = packet.sequence
        self._highest = packet.sequence - 1
        self._seen = [packet.sequence - WINDOW] * WINDOW
        """the last number that each remainder had"""
        self._soundless = 0
        self._first_timestamp = self._timestamp = packet.timestamp
        self._lateness_us = arrival_us

    def take(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received] | None:
        """Return the packet in its place, nothing for a copy, None for one that isn't its own.

        Raises WireError `unsupported_payload_type`.
        """
        kind = packet.payload_type
        if kind != self.payload_type:
            if kind in SOUNDLESS:
                return self._take_soundless(packet, arrival_us)
            verify_known(kind)
            self.payload_type = kind
        number = extend_sequence(packet.sequence, self._highest)
        if number <= self._highest - WINDOW:
            return None
        if self._is_copy(number):
            return ()
        timestamp = extend_timestamp(packet.timestamp, self._timestamp)
        position = timestamp - self._first_timestamp
        if not self._keeps_step(position, arrival_us):
            return None
        self._note(number)
        if not packet.payload:
            self._soundless += 1
            return ()
        self._timestamp = timestamp
        sequence = number - self._soundless
        return (Received(kind, packet.payload, position, sequence, self._number, arrival_us),)

    def _take_soundless(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received] | None:
        """Take an event or comfort noise: all of an event's packets have its first timestamp."""
        number = extend_sequence(packet.sequence, self._highest)
        if number <= self._highest - WINDOW:
            return None
        if self._is_copy(number):
            return ()
        self._note(number)
        self._soundless += 1
        kind, payload = packet.payload_type, packet.payload
        if kind != TELEPHONE_EVENT or not payload:
            return ()
        position = extend_timestamp(packet.timestamp, self._timestamp) - self._first_timestamp
        sequence = number - self._soundless
        return (Received(kind, payload, position, sequence, self._number, arrival_us),)

    def _is_copy(self, number: int) -> bool:
        if number > self._highest or self._seen[number % WINDOW] != number:
            return False
        self.counts.duplicated += 1
        return True

    def _keeps_step(self, position: int, arrival_us: int) -> bool:
        lateness_us = arrival_us - position * 1_000_000 // RATE_HZ
        step_us = lateness_us - self._lateness_us
        if not -MOST_STEP_US < step_us < MOST_STEP_US:
            return False
        self.counts.late += step_us >= LATE_US
        self._lateness_us = lateness_us
        return True

    def _note(self, number: int) -> None:
        self._seen[number % WINDOW] = number
        self.counts.received += 1
        if number > self._highest:
            self._highest = number
        else:
            self.counts.reordered += 1
            self._lowest = min(self._lowest, number)

    @property
    def lost(self) -> int:
        """Count the numbers between its lowest and its highest that never came."""
        return self._highest - self._lowest + 1 - self.counts.received


def verify_known(kind: int) -> None:
    """Raise WireError `unsupported_payload_type` unless packets of this type are taken."""
    if kind not in ENCODINGS and kind not in SOUNDLESS:
        raise WireError("rtp", f"payload type {kind}", code="unsupported_payload_type")
