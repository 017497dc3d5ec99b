"""Senders that have yet to prove themselves on a port to which anybody can send.

The law: packets belong to one sender if they have one SSRC, their sequence numbers lie close
together, the timestamps of sound grow with the numbers, and all timestamps keep step with the
arrival clock within 5 s. A sender is regular once enough of its packets, each with a number of its
own, belong together. A single datagram proves nothing, nor does the same one again and again.

Packets wait here, so a sender that proves itself loses none of them. The number of senders and of
packets is bounded. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Hashable

from chalicelib.media.rtp import RATE_HZ, RtpPacket, extend_sequence, extend_timestamp
from chalicelib.media.rtp_source import MOST_STEP_US, SOUNDLESS

Held = tuple[RtpPacket, int]
"""a packet, and when it arrived"""

NEAR = 4
"""sequence numbers for each packet that it takes to be regular: three of four may be lost"""
MOST_CANDIDATES = 4
"""senders that may wait beside each other"""


class Candidate:
    """Packets that may be one sender's."""

    __slots__ = ("_numbers", "_packets", "_sound", "held")

    def __init__(self, packets: int) -> None:
        """`packets`: how many make it regular."""
        self.held: list[Held] = []
        """in the order of their arrival, copies included"""
        self._packets = packets
        self._numbers: set[int] = set()
        """their sequence numbers, extended"""
        self._sound: list[tuple[int, int]] = []
        """number and timestamp, extended, of each packet of sound"""

    @property
    def is_regular(self) -> bool:
        """Whether enough packets belong together."""
        return len(self._numbers) >= self._packets

    @property
    def rank(self) -> tuple[int, int]:
        """Return how near it is to being regular, then when its latest packet came."""
        return len(self._numbers), self.held[-1][1]

    def take(self, packet: RtpPacket, arrival_us: int) -> bool:
        """Hold a packet if it belongs to those that are held; return whether it does."""
        if len(self.held) >= 2 * self._packets:
            return False  # nearly all of them are copies
        first, first_us = self.held[0] if self.held else (packet, arrival_us)
        number = extend_sequence(packet.sequence, first.sequence)
        timestamp = extend_timestamp(packet.timestamp, first.timestamp)
        step_us = arrival_us - first_us - (timestamp - first.timestamp) * 1_000_000 // RATE_HZ
        if (
            packet.ssrc != first.ssrc
            or abs(number - first.sequence) >= NEAR * self._packets
            # Half of what a source takes: then it takes all of them.
            or abs(step_us) >= MOST_STEP_US // 2
        ):
            return False
        if number not in self._numbers and packet.payload_type not in SOUNDLESS:
            if not self._is_in_step(number, timestamp):
                return False
            self._sound.append((number, timestamp))
        self._numbers.add(number)
        self.held.append((packet, arrival_us))
        return True

    def _is_in_step(self, number: int, timestamp: int) -> bool:
        """Return whether sound with a later number has a later timestamp, and vice versa."""
        return all(
            timestamp != told and (number > other) == (timestamp > told)
            for other, told in self._sound
        )


class Candidates:
    """Senders that wait beside each other; the first one that is regular is the one."""

    def __init__(self, packets: int) -> None:
        """`packets`: how many make a sender regular."""
        self._packets = packets
        self._waiting: dict[Hashable, Candidate] = {}
        self._let_go = 0

    @property
    def waiting(self) -> int:
        """Return how many packets wait."""
        return sum(len(candidate.held) for candidate in self._waiting.values())

    def take(self, address: Hashable, packet: RtpPacket, arrival_us: int) -> list[Held]:
        """Return all packets of a sender that is regular with this one; nothing until then."""
        sender = (address, packet.ssrc)
        candidate = self._waiting.get(sender)
        if candidate is None or not candidate.take(packet, arrival_us):
            candidate = self._begin(sender)
            candidate.take(packet, arrival_us)
        if not candidate.is_regular:
            return []
        del self._waiting[sender]
        return candidate.held

    def clear(self) -> None:
        """Let all go that wait."""
        for sender in list(self._waiting):
            self._forget(sender)

    def count_let_go(self) -> int:
        """Return how many packets were let go since the last time it was asked."""
        count, self._let_go = self._let_go, 0
        return count

    def _begin(self, sender: Hashable) -> Candidate:
        self._forget(sender)
        if len(self._waiting) >= MOST_CANDIDATES:
            self._forget(min(self._waiting, key=lambda one: self._waiting[one].rank))
        candidate = self._waiting[sender] = Candidate(self._packets)
        return candidate

    def _forget(self, sender: Hashable) -> None:
        candidate = self._waiting.pop(sender, None)
        if candidate is not None:
            self._let_go += len(candidate.held)
