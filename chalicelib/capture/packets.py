"""The live side of an RTP stream: packets in, records out.

Every packet knows its position, so order is no matter: what came since the last cut is sorted,
joined where it is contiguous, and a late packet is simply another record. Receiving and keeping are
two steps, because a paused call's packets still count, and a tap hears them before they are stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter

import msgspec

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from chalicelib.capture.runs import bytes_per_sample
from chalicelib.media.reception import Reception
from chalicelib.media.rtp import ENCODINGS, RtpPacket
from chalicelib.media.rtp_source import Received

_ENCODINGS = {kind: Encoding(name) for kind, name in ENCODINGS.items()}
_in_place = attrgetter("source", "position", "sequence")


class PacketCapture:
    """One RTP stream: its one track, and its counts. Its head's clock is `rtp`."""

    __slots__ = ("_head", "_pending", "_reception", "_track", "refused")

    def __init__(self, head: StreamHead, track: Track) -> None:
        self.refused = 0
        """datagrams that were no packets, or none of this stream's; the shell counts them"""
        self._head = head
        self._track = track
        self._reception = Reception()
        self._pending: list[Received] = []

    def receive(self, packet: RtpPacket, arrival_us: int) -> Sequence[Received]:
        """Return what a packet gives, sound and events: mostly itself, in its place.

        `arrival_us` is on the clock that the head's `opened_at_us` is on. Raises WireError for a
        payload type that isn't supported.
        """
        return self._reception.receive(packet, arrival_us)

    def add(self, sound: Received) -> None:
        """Keep one received packet of sound for the next cut."""
        self._pending.append(sound)

    def let_go_before(self, wall_us: int) -> None:
        """Forget what arrived before an instant and wasn't cut yet."""
        self._pending = [one for one in self._pending if one.arrival_us >= wall_us]

    @property
    def received(self) -> int:
        """Return how many packets came, each number once."""
        return self._reception.received

    def cut(self) -> list[Record]:
        """Return what was kept since the last cut as records, one for each contiguous run of one
        encoding."""
        pending, self._pending = self._pending, []
        pending.sort(key=_in_place)
        return [self._record(run) for run in _contiguous(pending)]

    def head(self) -> StreamHead:
        """Return the stream's head with its counts up to now."""
        counts = self._reception.counts
        return msgspec.structs.replace(
            self._head,
            messages_received=counts.received + counts.duplicated,
            messages_lost=counts.lost,
            messages_late=counts.late,
            messages_reordered=counts.reordered,
            messages_duplicated=counts.duplicated,
            messages_refused=self.refused + self._reception.strays,
        )

    def _record(self, run: Sequence[Received]) -> Record:
        first = run[0]
        payload = b"".join([one.payload for one in run])
        return Record(
            stream_key=self._head.stream_key,
            track=self._track,
            encoding=_ENCODINGS[first.payload_type],
            first_sample=first.position,
            samples=len(payload) // bytes_per_sample(_ENCODINGS[first.payload_type]),
            arrived_at_us=min([one.arrival_us for one in run]),
            least_lateness_us=round(min(map(self.lateness_us, run))),
            sequence=first.sequence,
            last_sequence=run[-1].sequence,
            messages=len(run),
            payload=payload,
            source=first.source,
        )

    def lateness_us(self, one: Received) -> float:
        """Return by how much a packet came later than its position says."""
        end = _end(one) * 1_000_000 / self._head.rate_hz
        return one.arrival_us - self._head.opened_at_us - end


def _end(one: Received) -> int:
    samples = len(one.payload) // bytes_per_sample(_ENCODINGS[one.payload_type])
    return one.position + samples


def _contiguous(sorted_: Sequence[Received]) -> Iterator[Sequence[Received]]:
    begin = 0
    for place, (one, following) in enumerate(pairwise(sorted_), start=1):
        if (
            following.position != _end(one)
            or following.payload_type != one.payload_type
            or following.source != one.source
        ):
            yield sorted_[begin:place]
            begin = place
    if sorted_:
        yield sorted_[begin:]
