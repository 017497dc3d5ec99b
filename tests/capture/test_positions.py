"""Streams whose packets tell their positions: right to the sample, and what is missing told."""

from __future__ import annotations

import pytest

from chalicelib.capture.clock import Run
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.placing import place
from chalicelib.capture.positions import follow
from chalicelib.capture.records import Record
from chalicelib.capture.timeline import Reason
from chalicelib.media.rtp import PCMA
from tests.capture import network
from tests.capture.carrier import Carrier, hear
from tests.capture.facts import entry, record
from tests.capture.network import FRAME, WALL_US, Network, Sender, receive, sounding


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_network_moves_nothing(seed: int) -> None:
    """5 % lost, 1 % twice, 1 % reordered, 30 ms of jitter, both wraps: each frame in its place."""
    bad = Network(loss=0.05, doubled=0.01, swapped=0.01, jitter_ms=30, seed=seed)
    datagrams = bad.carry(range(3000), Sender())
    arrived = {network.frame_of(datagram.body[12:]) for datagram in datagrams}

    stream = receive(datagrams)
    timeline = network.placed(stream)

    frames = sounding(timeline, stream)
    first = min(arrived)
    assert {frame: (frame - first) * FRAME for frame in arrived} == frames
    inside = max(arrived) - first + 1 - len(arrived)
    assert (inside, len(datagrams)) == (stream.head.messages_lost, stream.head.messages_received)
    assert len(datagrams) - len(arrived) == stream.head.messages_duplicated
    assert 0 < stream.head.messages_reordered
    assert _missing(arrived) == [
        (hole.position // FRAME + first, hole.samples // FRAME, hole.reason)
        for hole in timeline.holes
    ]


def _missing(arrived: set[int]) -> list[tuple[int, int, str]]:
    """Return first frame, frames and reason of every loss that is long enough to tell."""
    inside = range(min(arrived), max(arrived))
    lost = [frame for frame in inside if frame not in arrived]
    begins = [frame for frame in lost if frame - 1 in arrived]
    lengths = [next(n for n in range(1, 100) if frame + n in arrived) for frame in begins]
    return [
        (frame, length, str(Reason.LOST_MESSAGES))
        for frame, length in zip(begins, lengths, strict=True)
        if length >= 2
    ]


def test_silence_that_wasnt_sent_is_a_gap() -> None:
    """A sender that stops in silence (DTX) leaves a gap of exactly that length; nothing is lost."""
    spoken = [*range(100), *range(250, 400), *range(401, 500)]

    timeline = network.placed(receive(Network(jitter_ms=30).carry(spoken, Sender())))

    assert [(100 * FRAME, 150 * FRAME, Reason.NOT_RECEIVED)] == [
        (hole.position, hole.samples, hole.reason) for hole in timeline.holes
    ]
    assert 500 * FRAME == timeline.samples


def test_the_origin_is_the_least_late_packets() -> None:
    """Position 0 on the wall clock is that of the quickest of the first packets."""
    datagrams = Network(jitter_ms=30, latency_ms=20).carry(range(500), Sender())

    timeline = network.placed(receive(datagrams))

    assert 20_000 <= timeline.origin_us - WALL_US <= 23_000


def test_a_negative_position_is_the_beginning() -> None:
    """What was sent first and came second sounds first."""
    datagrams = Network().carry(range(100), Sender())
    datagrams[0], datagrams[1] = datagrams[1], datagrams[0]

    stream = receive(datagrams)

    assert -FRAME == min(one.first_sample for one in stream.records)
    assert {n: n * FRAME for n in range(100)} == sounding(network.placed(stream), stream)


def test_the_wall_clock_follows_the_senders() -> None:
    """A sender 100 ppm fast bends the call clock: after an hour an instant is at its sample."""
    frames = range(0, 180_000, 25)
    stream = receive(Network(jitter_ms=10).carry(frames, Sender(ppm=100)), cut_every_us=10**7)
    timeline = network.placed(stream)

    after_hour = timeline.position_at(timeline.origin_us + 3_599_000_000)

    assert abs(after_hour / 8 - 3_599_000 * (1 + 100e-6)) < 20


def test_a_sender_that_begins_anew_is_placed_by_the_wall() -> None:
    """Another SSRC on the same port sounds where it arrived, within the jitter, and is told."""
    old = Network(jitter_ms=5).carry(range(100), Sender())
    anew = Sender(ssrc=5, sequence=7, timestamp=99, kind=PCMA, begun_us=WALL_US + 3_000_000)
    new = Network(jitter_ms=5, seed=2).carry(range(100), anew)

    stream = receive([*old, *new])
    timeline = network.placed(stream)

    (first, *_, last) = timeline.tracks[Track.INBOUND]
    assert abs(last.position + last.samples - 5 * 8000) < 8 * 5
    assert (Encoding.PCMU, Encoding.PCMA, 1) == (
        first.encoding,
        last.encoding,
        timeline.reconnects,
    )
    assert [Reason.RECONNECT] == [hole.reason for hole in timeline.holes]


def test_packets_say_their_encoding_themselves() -> None:
    """What a webhook said of the codec changes nothing."""
    stream = receive(Network().carry(range(10), Sender()))

    timeline = place([stream.head], stream.stored(), {"r1": Encoding.PCMA})

    assert [Encoding.PCMU] == [p.encoding for p in timeline.tracks[Track.INBOUND]]


def test_joins_a_stream_on_the_arrival_clock() -> None:
    """One track by RTP and the other by websocket lie together, within the jitter."""
    rtp = receive(Network(jitter_ms=5).carry(range(500), Sender()))
    websocket = hear(Carrier(seconds=10, tracks=(Track.OUTBOUND,), jitter_ms=5))

    timeline = place([rtp.head, websocket.head], [*rtp.stored(), *websocket.stored()])

    begins = [of[0].position / 8 for of in timeline.tracks.values()]
    assert abs(begins[0] - begins[1]) < 5


def test_a_stream_without_numbers_has_gaps_without_reason() -> None:
    """Where numbers are missing, a hole is only silence."""
    clock = follow(network.head(), {Track.INBOUND: [_run(record(0)), _run(record(16_000))]})

    assert [Reason.NOT_RECEIVED] * 2 == [run.reason for run in clock.tracks[Track.INBOUND]]


def test_a_long_silence_with_one_loss_is_silence() -> None:
    """The numbers explain a hole only where they fill half of it."""
    runs = [
        _run(record(0, sequence=0)),
        _run(record(160_000, sequence=51)),
        _run(record(168_320, sequence=102)),
    ]

    clock = follow(network.head(), {Track.INBOUND: runs})

    assert [Reason.NOT_RECEIVED, Reason.NOT_RECEIVED, Reason.LOST_MESSAGES] == [
        run.reason for run in clock.tracks[Track.INBOUND]
    ]


def _run(stored: Record) -> Run:
    return Run(entry(stored), 0, stored.first_sample, stored.samples)
