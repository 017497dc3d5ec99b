"""Senders that have yet to prove themselves."""

from __future__ import annotations

import pytest

from chalicelib.media.candidates import MOST_CANDIDATES, NEAR, Candidates
from chalicelib.media.rtp import COMFORT_NOISE, PCMA, TELEPHONE_EVENT, RtpPacket
from tests.media.test_reception import Sender, at

CARRIER, STRANGER = ("198.51.100.1", 4000), ("203.0.113.9", 5060)
PACKETS = 3


def frames(candidates: Candidates, address: object, *packets: tuple[RtpPacket, int]) -> list[int]:
    """Return how many packets each packet proves, with itself."""
    return [len(candidates.take(address, packet, arrival_us)) for packet, arrival_us in packets]


def test_a_regular_sender_loses_nothing() -> None:
    """All of its packets come out with the one that completes them, each with its arrival."""
    candidates, sender = Candidates(PACKETS), Sender()
    sent = [(sender.packet(frame), at(frame)) for frame in range(PACKETS)]

    assert [] == candidates.take(CARRIER, *sent[0])
    assert [] == candidates.take(CARRIER, *sent[1])
    assert sent == candidates.take(CARRIER, *sent[2])
    assert (0, 0) == (candidates.waiting, candidates.count_let_go())


def test_the_network_may_shuffle_double_lose_and_hold_back() -> None:
    """Numbers and timestamps agree in whatever order they come, and a burst keeps step, too."""
    candidates, sender = Candidates(PACKETS), Sender(sequence=65_535, timestamp=2**32 - 160)
    sent = [(sender.packet(frame), at(4)) for frame in (1, 0, 0, 4)]

    assert [0, 0, 0, 4] == frames(candidates, CARRIER, *sent)


@pytest.mark.parametrize(
    "wrong",
    [
        Sender().packet(0),
        Sender(sequence=100 + NEAR * PACKETS).packet(1),
        Sender().packet(1, steps=0),
        Sender(timestamp=5000 + 8000 * 6).packet(1),
        Sender(timestamp=5000 - 160).packet(1),
        Sender(timestamp=5000 - 320).packet(1),
        Sender(ssrc=2).packet(1),
    ],
    ids=[
        "the same packet again",
        "a number far away",
        "a number twice",
        "a timestamp out of step",
        "a timestamp that stands still",
        "a timestamp that runs back",
        "another SSRC",
    ],
)
def test_packets_that_do_not_belong_together_prove_nothing(wrong: RtpPacket) -> None:
    """However many there are."""
    candidates = Candidates(PACKETS)
    candidates.take(STRANGER, Sender().packet(0), at(0))

    assert [0, 0, 0, 0] == frames(candidates, STRANGER, *((wrong, at(n)) for n in range(1, 5)))


def test_what_does_not_belong_begins_anew() -> None:
    """A sender that counts anew is regular after as many packets; those before are let go."""
    candidates, anew = Candidates(PACKETS), Sender(sequence=9000)
    frames(candidates, CARRIER, *((Sender().packet(n), at(n)) for n in range(2)))

    assert [0, 0, 3] == frames(candidates, CARRIER, *((anew.packet(n), at(n)) for n in range(3)))
    assert (2, 0) == (candidates.count_let_go(), candidates.count_let_go())


def test_key_presses_comfort_noise_and_either_sound_are_regular() -> None:
    """An event keeps its first timestamp while sound goes on, and the encoding may change."""
    candidates, sender = Candidates(7), Sender()
    event = (1, TELEPHONE_EVENT, b"\x05\x0a\x00\xa0")
    sent = [
        sender.packet(0),
        sender.packet(*event, steps=1),
        sender.packet(1, steps=2),
        sender.packet(*event, steps=3),
        sender.packet(2, PCMA, steps=4),
        sender.packet(3, COMFORT_NOISE, b"\x40", steps=5),
        sender.packet(50, PCMA, steps=6),
    ]

    assert [0] * 6 + [7] == frames(candidates, CARRIER, *zip(sent, map(at, range(7)), strict=True))


def test_senders_wait_beside_each_other() -> None:
    """Strangers between a carrier's packets, from other addresses or with another SSRC, don't
    disturb it; they are let go by whoever asks for that."""
    candidates, carrier, stranger = Candidates(PACKETS), Sender(), Sender(ssrc=2)

    for frame in range(2):
        assert [] == candidates.take(CARRIER, carrier.packet(frame), at(frame))
        assert [] == candidates.take(CARRIER, stranger.packet(frame), at(frame))
        assert [] == candidates.take(STRANGER, carrier.packet(frame), at(frame))

    assert 3 == len(candidates.take(CARRIER, carrier.packet(2), at(2)))
    assert 4 == candidates.waiting
    candidates.clear()
    assert (0, 4) == (candidates.waiting, candidates.count_let_go())


def test_a_crowd_does_not_drive_a_carrier_away() -> None:
    """Where too many wait, the one with the fewest packets goes, the longest silent first."""
    candidates, carrier = Candidates(PACKETS), Sender()
    frames(candidates, CARRIER, *((carrier.packet(n), at(n)) for n in range(2)))

    for port in range(100):
        assert [] == candidates.take(("203.0.113.9", port), Sender().packet(0), at(2))

    assert 2 + MOST_CANDIDATES - 1 == candidates.waiting
    assert 3 == len(candidates.take(CARRIER, carrier.packet(2), at(2)))
    assert 100 - MOST_CANDIDATES + 1 == candidates.count_let_go()
