"""What one RTP port receives: each packet's exact position, and what was lost on the way.

The law: a packet belongs to the present source if it has its SSRC, its sequence number is none from
long ago, and its timestamp keeps step with the arrival clock within 10 s. Packets that don't belong
wait; three that belong together while the present source is silent are a new source, and none of
them is lost (RFC 3550 appendix A.1 asks for two in a row, which a reordering network breaks).
Positions of two sources have nothing in common but the wall clock. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.media.rtp import RATE_HZ, RtpPacket, extend_sequence, extend_timestamp
from chalicelib.media.rtp_source import (
    MOST_STEP_US,
    SOUNDLESS,
    WINDOW,
    Counts,
    Received,
    Source,
    verify_known,
)

PROBATION = 3
"""packets that make a new source"""
_RIVALS = 2
"""packets of the present source that show it isn't silent; one may be a straggler"""


class _Candidate:
    """Packets that may be a new source's."""

    __slots__ = ("held", "rivals")

    def __init__(self) -> None:
        self.held: list[tuple[RtpPacket, int]] = []
        self.rivals = 0

    def fits(self, packet: RtpPacket, arrival_us: int) -> bool:
        """Tell whether a packet may be of the same source as those held.

        Within half of what a source takes: then it takes all of them.
        """
        if not self.held:
            return True
        first, first_us = self.held[0]
        samples = extend_timestamp(packet.timestamp, first.timestamp) - first.timestamp
        step_us = arrival_us - first_us - samples * 1_000_000 // RATE_HZ
        number = extend_sequence(packet.sequence, first.sequence)
        kinds = {packet.payload_type, *(held.payload_type for held, _ in self.held)}
        return (
            packet.ssrc == first.ssrc
            and abs(number - first.sequence) < WINDOW // 2
            and abs(step_us) < MOST_STEP_US // 2
            and len(kinds - SOUNDLESS) < 2
        )


class Reception:
    """All sources of one port, one after the other."""

    __slots__ = ("_candidate", "_past", "_source", "_sources", "strays")

    def __init__(self) -> None:
        self.strays = 0
        """packets that belonged to nothing"""
        self._source: Source | None = None
        self._sources = 0
        self._candidate = _Candidate()
        self._past = Counts()
        """of the sources before the present one"""

    def receive(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received]:
        """Return what a packet gives: itself, nothing yet, or with it those that waited.

        Raises WireError `unsupported_payload_type` and `other_payload_type`.
        """
        source = self._source or self._begin(packet, arrival_us)
        if packet.ssrc == source.ssrc:
            received = source.take(packet, arrival_us)
            if received is not None:
                if self._candidate.held:
                    self._note_rival()
                return received
        return self._hold(packet, arrival_us)

    def _begin(self, packet: RtpPacket, arrival_us: int) -> Source:
        verify_known(packet.payload_type)
        self._past = self.counts
        self._source = source = Source(self._sources, packet, arrival_us)
        self._sources += 1
        return source

    def _note_rival(self) -> None:
        """Let a candidate go: the present source isn't silent."""
        self._candidate.rivals += 1
        if self._candidate.rivals >= _RIVALS:
            self._let_go()

    def _let_go(self) -> None:
        self.strays += len(self._candidate.held)
        self._candidate = _Candidate()

    def _hold(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received]:
        """Keep a packet that isn't the present source's until it is a new source's."""
        verify_known(packet.payload_type)
        if not self._candidate.fits(packet, arrival_us):
            self._let_go()
        held = self._candidate.held
        held.append((packet, arrival_us))
        if len(held) < PROBATION:
            return ()
        self._candidate = _Candidate()
        source = self._begin(*held[0])
        return [one for packet, at_us in held for one in source.take(packet, at_us) or ()]

    @property
    def counts(self) -> Counts:
        """Return the counts of all sources."""
        past, source = self._past, self._source
        if source is None:
            return past
        now = source.counts
        return Counts(
            received=past.received + now.received,
            lost=past.lost + source.lost,
            late=past.late + now.late,
            reordered=past.reordered + now.reordered,
            duplicated=past.duplicated + now.duplicated,
        )
