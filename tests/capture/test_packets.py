"""The live side of RTP: packets in, records out."""

from __future__ import annotations

import msgspec
import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.packets import PacketCapture
from chalicelib.capture.records import Record
from chalicelib.errors import WireError
from chalicelib.media.rtp import PCMA, PCMU, TELEPHONE_EVENT, RtpPacket
from tests.capture.network import WALL_US, head, payload_of


def packet(frame: int, kind: int = PCMU, ssrc: int = 1) -> RtpPacket:
    """Return the packet of a frame of 20 ms."""
    return RtpPacket(kind, 100 + frame, 5000 + 160 * frame, ssrc, payload_of(frame))


def feed(capture: PacketCapture, *packets: RtpPacket) -> None:
    """Receive and keep packets, each 30 ms after its frame was spoken."""
    for one in packets:
        spoken_us = WALL_US + (one.sequence - 100 + 1) * 20_000
        for received in capture.receive(one, spoken_us + 30_000):
            capture.add(received)


def capture() -> PacketCapture:
    """Return a new stream of the inbound track."""
    return PacketCapture(head(), Track.INBOUND)


def spans(records: list[Record]) -> list[tuple[int, int, int]]:
    """Return source, position and end of each record."""
    return [(r.source, r.first_sample, r.first_sample + r.samples) for r in records]


def test_joins_what_is_contiguous() -> None:
    """Packets in any order are one record that says where it begins, when it came, how late."""
    stream = capture()
    feed(stream, packet(0), packet(2), packet(1))

    assert [
        Record(
            stream_key="r1",
            track=Track.INBOUND,
            encoding=Encoding.PCMU,
            first_sample=0,
            samples=480,
            arrived_at_us=WALL_US + 50_000,
            least_lateness_us=30_000,
            sequence=100,
            last_sequence=102,
            messages=3,
            payload=payload_of(0) + payload_of(1) + payload_of(2),
            source=0,
        )
    ] == stream.cut()
    assert [] == stream.cut()


def test_a_hole_is_between_two_records() -> None:
    """What is missing ends a record; what comes after the cut is a record of its own."""
    stream = capture()
    feed(stream, packet(0), packet(1), packet(3), packet(5))
    before = stream.cut()
    feed(stream, packet(4), packet(-1))

    assert [(0, 0, 320), (0, 480, 640), (0, 800, 960)] == spans(before)
    assert [(0, -160, 0), (0, 640, 800)] == spans(stream.cut())


def test_a_new_source_has_records_of_its_own() -> None:
    """Its positions begin anew, and its encoding is its own."""
    stream = capture()
    feed(stream, packet(0), *(packet(frame, PCMA, ssrc=2) for frame in (1, 2, 3)))

    records = stream.cut()

    assert [(0, 0, 160), (1, 0, 480)] == spans(records)
    assert [Encoding.PCMU, Encoding.PCMA] == [record.encoding for record in records]


def test_a_change_of_encoding_is_between_two_records() -> None:
    """One source, contiguous positions: each record has one encoding, and its own bytes."""
    stream = capture()
    kinds = [PCMU, PCMU, PCMA, PCMA, PCMU]
    feed(stream, *(packet(frame, kinds[frame]) for frame in (0, 1, 3, 2, 4)))

    records = stream.cut()

    assert [(0, 0, 320), (0, 320, 640), (0, 640, 800)] == spans(records)
    assert [Encoding.PCMU, Encoding.PCMA, Encoding.PCMU] == [one.encoding for one in records]
    assert [payload_of(0) + payload_of(1), payload_of(2) + payload_of(3), payload_of(4)] == [
        one.payload for one in records
    ]


def test_what_came_before_an_instant_can_be_let_go() -> None:
    """The rest keeps its place, and all of it counts as received."""
    stream = capture()
    feed(stream, *map(packet, range(4)))

    stream.let_go_before(WALL_US + 3 * 20_000 + 30_000)

    assert [(0, 320, 640)] == spans(stream.cut())
    assert 4 == stream.received


def test_what_isnt_added_isnt_kept() -> None:
    """A paused call's packets count and hold their place, and are nowhere."""
    stream = capture()
    feed(stream, packet(0))
    stream.receive(packet(1), WALL_US)
    feed(stream, packet(2))

    assert [(0, 0, 160), (0, 320, 480)] == spans(stream.cut())
    assert 3 == stream.head().messages_received


def test_gives_events_with_sound() -> None:
    """An event comes out for whoever listens for digits."""
    stream = capture()
    feed(stream, packet(0))

    (event,) = stream.receive(packet(1, TELEPHONE_EVENT), WALL_US)

    assert (TELEPHONE_EVENT, 160) == (event.payload_type, event.position)


def test_tells_its_counts() -> None:
    """The head says what was received, lost, late, reordered, doubled and refused."""
    stream = capture()
    stream.refused = 2
    feed(stream, packet(0), packet(3), packet(2), packet(2), packet(9, ssrc=2), packet(9, ssrc=3))
    with pytest.raises(WireError):
        stream.receive(packet(4, 96), WALL_US)

    assert (
        msgspec.structs.replace(
            head(),
            messages_received=4,
            messages_lost=1,
            messages_reordered=1,
            messages_duplicated=1,
            messages_refused=3,
        )
        == stream.head()
    )
