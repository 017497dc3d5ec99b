"""One RTP port: positions, copies, new sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import WireError
from chalicelib.media.reception import PROBATION, Reception
from chalicelib.media.rtp import COMFORT_NOISE, PCMA, PCMU, TELEPHONE_EVENT, RtpPacket
from chalicelib.media.rtp_source import WINDOW, Counts, Received

OPENED_US = 1_700_000_000_000_000
FRAME = b"\xff" * 160


class Sender:
    """Makes packets of 20 ms, each arriving when its frame is spoken plus 30 ms."""

    def __init__(
        self, ssrc: int = 1, sequence: int = 100, timestamp: int = 5000, kind: int = PCMU
    ) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = timestamp
        self.kind = kind

    def packet(
        self, frame: int, kind: int | None = None, payload: bytes = FRAME, steps: int | None = None
    ) -> RtpPacket:
        """Return the packet of a frame; `steps` are its numbers where some frames used none."""
        return RtpPacket(
            self.kind if kind is None else kind,
            (self.sequence + (frame if steps is None else steps)) & 0xFFFF,
            (self.timestamp + 160 * frame) & 0xFFFF_FFFF,
            self.ssrc,
            payload,
        )


def at(frame: int, late_ms: int = 0) -> int:
    """Return when a frame arrives."""
    return OPENED_US + frame * 20_000 + late_ms * 1000


def positions(reception: Reception, packets: list[tuple[RtpPacket, int]]) -> list[tuple[int, int]]:
    """Return source and position of all that a port gives for these packets."""
    return [
        (one.source, one.position)
        for packet, arrival_us in packets
        for one in reception.receive(packet, arrival_us)
    ]


def test_a_position_counts_from_the_first_packet() -> None:
    """A packet comes back in its place: by its timestamp, with its extended number."""
    reception, sender = Reception(), Sender()
    reception.receive(sender.packet(0), at(0))

    assert (Received(PCMU, FRAME, 480, 103, 0, at(3)),) == reception.receive(
        sender.packet(3), at(3)
    )


def test_both_numbers_wrap() -> None:
    """Positions go on over the end of 16 bits and of 32 bits."""
    reception, sender = Reception(), Sender(sequence=65_534, timestamp=2**32 - 320)

    received = [reception.receive(sender.packet(frame), at(frame))[0] for frame in range(5)]

    assert [0, 160, 320, 480, 640] == [one.position for one in received]
    assert [65_534, 65_535, 65_536, 65_537, 65_538] == [one.sequence for one in received]


def test_what_was_sent_before_the_first_is_before_it() -> None:
    """Reordered at the very beginning, over both wraps: the position is negative, nothing lost."""
    reception, sender = Reception(), Sender(sequence=0, timestamp=0)

    assert [(0, 0), (0, -160), (0, 160)] == positions(
        reception, [(sender.packet(frame), at(1)) for frame in (0, -1, 1)]
    )
    assert Counts(received=3, reordered=1) == reception.counts


def test_counts_loss_order_and_copies() -> None:
    """A number that never came is lost, one behind its follower reordered, one twice a copy."""
    reception, sender = Reception(), Sender()

    given_ = positions(reception, [(sender.packet(frame), at(4)) for frame in (0, 2, 1, 2, 1, 4)])

    assert [(0, 0), (0, 320), (0, 160), (0, 640)] == given_
    assert Counts(received=4, lost=1, reordered=1, duplicated=2) == reception.counts


def test_counts_those_that_came_late() -> None:
    """40 ms more than the one before it is late."""
    reception, sender = Reception(), Sender()
    for frame, late_ms in enumerate([0, 39, 79, 0, 40]):
        reception.receive(sender.packet(frame), at(frame, late_ms))

    assert 2 == reception.counts.late


def test_silence_by_timestamp_is_silence() -> None:
    """A sender that stops in silence goes on at its timestamp; nothing was lost."""
    reception, sender = Reception(), Sender()
    reception.receive(sender.packet(0), at(0))

    (received,) = reception.receive(sender.packet(30_000, steps=1), at(30_000))

    assert (30_000 * 160, 101) == (received.position, received.sequence)
    assert 0 == reception.counts.lost


def test_events_are_no_sound() -> None:
    """An event keeps its first timestamp; its numbers are none of the sound's."""
    reception, sender = Reception(), Sender()
    event = b"\x05\x0a\x00\xa0"
    reception.receive(sender.packet(0), at(0))
    held = [
        reception.receive(sender.packet(1, TELEPHONE_EVENT, event, steps=step), at(step))
        for step in range(1, 4)
    ]

    (after,) = reception.receive(sender.packet(4), at(4))

    assert [160, 160, 160] == [one.position for received in held for one in received]
    assert {TELEPHONE_EVENT} == {one.payload_type for received in held for one in received}
    assert (640, 101) == (after.position, after.sequence)
    assert Counts(received=5) == reception.counts


def test_an_event_twice_or_from_long_ago_is_nothing() -> None:
    """Copies are counted; numbers older than the window wait for a source of their own."""
    reception, sender = Reception(), Sender(sequence=20_000)
    event = sender.packet(1, TELEPHONE_EVENT, b"\x05\x0a\x00\xa0")
    reception.receive(sender.packet(0), at(0))

    assert 1 == len(reception.receive(event, at(1)))
    assert () == reception.receive(event, at(1))
    old = sender.packet(2, TELEPHONE_EVENT, b"\x05\x0a\x00\xa0", steps=-2 * WINDOW)
    assert () == reception.receive(old, at(2))
    assert (2, 1) == (reception.counts.received, reception.counts.duplicated)


@pytest.mark.parametrize(("kind", "payload"), [(COMFORT_NOISE, b"\x40"), (TELEPHONE_EVENT, b"")])
def test_comfort_noise_and_empty_packets_only_count(kind: int, payload: bytes) -> None:
    """What says nothing leaves no hole in the numbers."""
    reception, sender = Reception(), Sender()
    reception.receive(sender.packet(0), at(0))

    assert () == reception.receive(sender.packet(1, kind, payload), at(1))
    assert () == reception.receive(sender.packet(2, PCMU, b""), at(2))
    assert (480, 101) == _place(reception, sender.packet(3), at(3))
    assert 0 == reception.counts.lost


def _place(reception: Reception, packet: RtpPacket, arrival_us: int) -> tuple[int, int]:
    (received,) = reception.receive(packet, arrival_us)
    return received.position, received.sequence


def test_an_event_may_come_first() -> None:
    """What sounds after it decides the payload type."""
    reception, sender = Reception(), Sender(kind=PCMA)
    reception.receive(sender.packet(0, TELEPHONE_EVENT, b"\x05\x0a\x00\xa0"), at(0))

    assert (160, 100) == _place(reception, sender.packet(1), at(1))


def test_the_payload_type_may_change() -> None:
    """PCMU and PCMA follow each other, with events between: one source, each packet in its place
    with its own type."""
    reception, sender = Reception(), Sender()
    event = b"\x05\x0a\x00\xa0"
    kinds = [PCMU, PCMU, PCMA, PCMA, TELEPHONE_EVENT, PCMA, PCMU, TELEPHONE_EVENT, PCMA]

    received = [
        one
        for frame, kind in enumerate(kinds)
        for one in reception.receive(
            sender.packet(frame, kind, event if kind == TELEPHONE_EVENT else FRAME), at(frame)
        )
    ]

    assert [(kind, 160 * frame, 0) for frame, kind in enumerate(kinds)] == [
        (one.payload_type, one.position, one.source) for one in received
    ]
    assert (Counts(received=len(kinds)), 0) == (reception.counts, reception.strays)


def test_a_change_that_the_network_shuffles_loses_nothing() -> None:
    """Packets of both types in any order: each stays in its place, and none begins a source."""
    reception, sender = Reception(), Sender()
    sent = [(frame, PCMU if frame < 4 else PCMA) for frame in range(8)]

    given_ = positions(
        reception, [(sender.packet(*sent[n]), at(8)) for n in (0, 2, 4, 3, 1, 6, 5, 7)]
    )

    assert [(0, 160 * n) for n in (0, 2, 4, 3, 1, 6, 5, 7)] == given_
    assert Counts(received=8, late=1, reordered=3) == reception.counts


def test_a_payload_type_that_is_unknown_is_refused() -> None:
    """First, later, and of another source; what is known goes on."""
    reception, sender = Reception(), Sender()
    with pytest.raises(WireError, match="payload type 96") as unknown:
        reception.receive(sender.packet(0, 96), at(0))
    reception.receive(sender.packet(0), at(0))

    with pytest.raises(WireError, match="payload type 96"):
        reception.receive(sender.packet(1, 96), at(1))
    with pytest.raises(WireError, match="payload type 96"):
        reception.receive(Sender(ssrc=2).packet(1, 96), at(1))

    assert "unsupported_payload_type" == unknown.value.code
    assert (160, 101) == _place(reception, sender.packet(1), at(1))


def test_another_ssrc_takes_over() -> None:
    """Its first packets wait for the third and then are all given, on positions of their own."""
    reception, old, new = Reception(), Sender(), Sender(ssrc=2, kind=PCMA)
    before = positions(reception, [(old.packet(frame), at(frame)) for frame in range(3)])

    after = [reception.receive(new.packet(frame), at(frame)) for frame in range(3, 7)]

    assert [(0, 0), (0, 160), (0, 320)] == before
    assert [0, 0, PROBATION, 1] == [len(received) for received in after]
    assert [(1, 0), (1, 160), (1, 320), (1, 480)] == [
        (one.source, one.position) for received in after for one in received
    ]
    assert [at(3), at(4), at(5)] == [one.arrival_us for one in after[2]]
    assert (Counts(received=7), 0) == (reception.counts, reception.strays)


def test_a_straggler_doesnt_stop_a_new_source() -> None:
    """One packet of the old source among the new one's first changes nothing."""
    reception, old, new = Reception(), Sender(), Sender(ssrc=2)
    reception.receive(old.packet(0), at(0))

    given_ = positions(
        reception,
        [(new.packet(2), at(2)), (old.packet(1), at(2)), *((new.packet(n), at(n)) for n in (3, 4))],
    )

    assert [(0, 160), (1, 0), (1, 160), (1, 320)] == given_


def test_a_second_sender_never_mixes_in() -> None:
    """Two SSRCs at once: the first keeps the port, the other's packets are strays."""
    reception, first, second = Reception(), Sender(), Sender(ssrc=2)

    given_ = positions(
        reception,
        [pair for n in range(20) for pair in ((first.packet(n), at(n)), (second.packet(n), at(n)))],
    )

    assert [(0, 160 * n) for n in range(20)] == given_
    assert 18 <= reception.strays <= 20


def test_a_sender_that_begins_anew_is_a_new_source() -> None:
    """The same SSRC with other timestamps, or other numbers, gives no hours of silence."""
    reception, sender = Reception(), Sender(sequence=30_000)
    reception.receive(sender.packet(0), at(0))

    leapt = Sender(sequence=30_001, timestamp=2**31)
    after_leap = positions(reception, [(leapt.packet(n), at(1 + n)) for n in range(3)])
    counted_anew = Sender(sequence=9, timestamp=2**31 + 480)
    after_anew = positions(reception, [(counted_anew.packet(n), at(4 + n)) for n in range(3)])

    assert [(1, 0), (1, 160), (1, 320)] == after_leap
    assert [(2, 0), (2, 160), (2, 320)] == after_anew
    assert (7, 0) == (reception.counts.received, reception.counts.lost)


def test_a_network_that_holds_back_for_seconds_moves_nothing() -> None:
    """A burst after a stall keeps its timestamps' positions."""
    reception, sender = Reception(), Sender()
    reception.receive(sender.packet(0), at(0))

    assert [(0, 160 * n) for n in range(1, 150)] == positions(
        reception, [(sender.packet(n), at(149, 30)) for n in range(1, 150)]
    )


def test_packets_that_dont_belong_together_are_strays() -> None:
    """Other SSRCs, numbers, times or timestamps that don't grow each begin their own probation."""
    reception, sender = Reception(), Sender()
    reception.receive(sender.packet(0), at(0))

    for n, other in enumerate(
        [
            Sender(ssrc=2).packet(1),
            Sender(ssrc=3).packet(1),
            Sender(ssrc=3, sequence=5000).packet(1),
            Sender(ssrc=3, sequence=5000, timestamp=2**30).packet(1),
            Sender(ssrc=3, sequence=5001, timestamp=2**30).packet(1),
        ]
    ):
        assert () == reception.receive(other, at(n))

    assert 4 == reception.strays


def test_the_same_packet_again_and_again_is_no_source() -> None:
    """Copies of one packet prove nothing, and aren't kept for ever."""
    reception, sender = Reception(), Sender()
    reception.receive(sender.packet(0), at(0))

    for n in range(20):
        assert () == reception.receive(Sender(ssrc=2).packet(1), at(n))

    assert (1, 18) == (reception.counts.received, reception.strays)


def test_another_source_may_change_its_type_in_its_first_packets() -> None:
    """They are its own all the same, and all are given."""
    reception, old, new = Reception(), Sender(), Sender(ssrc=2)
    reception.receive(old.packet(0), at(0))

    given_ = [
        one
        for frame, kind in ((1, PCMU), (2, PCMA), (3, PCMU))
        for one in reception.receive(new.packet(frame, kind), at(frame))
    ]

    assert [(1, PCMU), (1, PCMA), (1, PCMU)] == [(one.source, one.payload_type) for one in given_]


def test_nothing_received_is_nothing_counted() -> None:
    """A port that heard nothing has no counts."""
    assert (Counts(), 0) == (Reception().counts, Reception().received)


def test_counts_what_all_sources_brought() -> None:
    """Each number once, over all sources."""
    reception, old, new = Reception(), Sender(), Sender(ssrc=2)
    positions(reception, [(old.packet(n), at(n)) for n in (0, 1, 1)])
    positions(reception, [(new.packet(n), at(n)) for n in range(2, 6)])

    assert 6 == reception.received


@given(
    packets=st.lists(
        st.tuples(
            st.builds(
                RtpPacket,
                payload_type=st.sampled_from([PCMU, PCMA, TELEPHONE_EVENT, COMFORT_NOISE, 96]),
                sequence=st.integers(0, 0xFFFF),
                timestamp=st.integers(0, 0xFFFF_FFFF),
                ssrc=st.integers(0, 2),
                payload=st.binary(max_size=4),
            ),
            st.integers(0, 10**9),
        ),
        max_size=40,
    )
)
def test_any_packets_are_given_or_refused(packets: list[tuple[RtpPacket, int]]) -> None:
    """Whatever comes, no more is given than came, and the counts add up."""
    reception, given_, refused = Reception(), 0, 0
    for packet, arrival_us in packets:
        try:
            given_ += len(reception.receive(packet, arrival_us))
        except WireError:
            refused += 1

    counts = reception.counts
    assert given_ <= counts.received <= len(packets) - refused - counts.duplicated
    assert counts.lost >= 0
