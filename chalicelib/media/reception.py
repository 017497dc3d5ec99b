"""The packets of one RTP port: the exact position of each, and what was lost on the way.

The law: a packet belongs to the present source if it has its SSRC, its sequence number is none from
long ago, and its timestamp keeps step with the arrival clock within 10 s. Packets that don't belong
wait; three that belong together while the present source is silent are a new source, and none of
them is lost (RFC 3550 appendix A.1 asks for two in a row, which a reordering network breaks).
Positions of two sources have nothing in common but the wall clock. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.media.candidates import Candidate
from chalicelib.media.rtp import RtpPacket
from chalicelib.media.rtp_source import Counts, Received, Source, verify_known

PROBATION = 3
"""packets that make a new source"""
_RIVALS = 2
"""packets of the present source that show it isn't silent; one may be a straggler"""


class Reception:
    """All sources of one port, one after the other."""

    __slots__ = ("_candidate", "_past", "_rivals", "_source", "_sources", "strays")

    def __init__(self) -> None:
        self.strays = 0
        """packets that belonged to nothing"""
        self._source: Source | None = None
        self._sources = 0
        self._candidate = Candidate(PROBATION)
        self._rivals = 0
        """packets of the present source since the candidate's first"""
        self._past = Counts()
        """of the sources before the present one"""

    def receive(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received]:
        """Return what a packet gives: itself, nothing yet, or with it those that waited.

        Raises WireError `unsupported_payload_type`.
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
        self._rivals += 1
        if self._rivals >= _RIVALS:
            self._let_go()

    def _let_go(self) -> None:
        self.strays += len(self._candidate.held)
        self._candidate, self._rivals = Candidate(PROBATION), 0

    def _hold(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received]:
        """Keep a packet that isn't the present source's until it is a new source's."""
        verify_known(packet.payload_type)
        if not self._candidate.take(packet, arrival_us):
            self._let_go()
            self._candidate.take(packet, arrival_us)
        if not self._candidate.is_regular:
            return ()
        held = self._candidate.held
        self._candidate, self._rivals = Candidate(PROBATION), 0
        source = self._begin(*held[0])
        return [one for packet, at_us in held for one in source.take(packet, at_us) or ()]

    @property
    def received(self) -> int:
        """Return how many packets of all sources were received, each number once."""
        now = self._source.counts.received if self._source is not None else 0
        return self._past.received + now

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
