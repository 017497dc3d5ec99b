"""Streams whose messages tell their own time: each message in its place, to the sample."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from chalicelib.capture.events import Clock, Encoding, Track
from chalicelib.capture.records import StreamHead
from chalicelib.capture.reordering import PROBATION, REMEMBERED, PlacedRun
from chalicelib.capture.runs import StreamCapture
from tests.capture.placed import OPENED_US, Placed, capture
from tests.streams import answered, stamped, stereo

FRAME = 160
SILENCE = b"\xff"


def payload(number: int, samples: int = FRAME) -> bytes:
    """Return a frame that no other number gives."""
    return number.to_bytes(2) * (samples // 2)


def stream(order: Iterable[int], late_s: float = 0.03) -> Placed:
    """Return what comes of frames that arrive in this order, one every 20 ms."""
    messages: list[tuple[str | bytes, float]] = [(stamped.start(), 0.0)]
    for place, number in enumerate(order, start=1):
        message = stamped.media(payload(number), 5 + 20 * number, number)
        messages.append((message, place * 0.02 + late_s))
    return capture(stamped.Stamped({}), messages)


def expected(numbers: Iterable[int]) -> bytes:
    """Return the sound of these frames, with silence for those between them that are missing."""
    there = set(numbers)
    return b"".join(
        payload(number) if number in there else SILENCE * FRAME
        for number in range(min(there), max(there) + 1)
    )


def test_1_2_4_3_5_comes_out_as_1_2_3_4_5() -> None:
    """A message that overtook another is put behind it."""
    placed = stream([1, 2, 4, 3, 5])

    assert expected(range(1, 6)) == placed.sound(Track.INBOUND, SILENCE)
    assert () == placed.timeline.holes
    assert (1, 5, 0) == (
        placed.head.messages_reordered,
        placed.head.messages_received,
        placed.head.messages_lost,
    )


@pytest.mark.parametrize("seed", range(5))
def test_any_order_copies_and_holes(seed: int) -> None:
    """Reordering by up to a second, copies and losses: each frame is in its place, once."""
    chance = random.Random(seed)
    sent = [number for number in range(600) if chance.random() > 0.05 or number in (0, 599)]
    order = sorted(sent, key=lambda number: number + chance.uniform(0, 50 * (number % 7 == 0)))
    copies = chance.sample(order, 20)
    for number in copies:
        order.insert(order.index(number) + chance.randrange(1, 30), number)

    placed = stream(order)

    assert expected(sent) == placed.sound(Track.INBOUND, SILENCE)
    assert (20, 600 - len(sent)) == (placed.head.messages_duplicated, placed.head.messages_lost)
    holes = sum(hole.samples for hole in placed.timeline.holes) // FRAME
    singles = sum(n not in sent and n - 1 in sent and n + 1 in sent for n in range(600))
    assert 600 - len(sent) - singles == holes
    assert {"lost_messages"} >= {hole.reason for hole in placed.timeline.holes}


def test_a_stall_moves_nothing() -> None:
    """Messages that the network holds for three seconds and delivers at once have their places."""
    messages: list[tuple[str | bytes, float]] = [(stamped.start(), 0.0)]
    for number in range(400):
        at_s = 0.02 * number + 0.05
        held = 5.0 if 2.0 < at_s < 5.0 else at_s
        messages.append((stamped.media(payload(number), 20 * number, number), held))

    placed = capture(stamped.Stamped({}), messages)

    assert expected(range(400)) == placed.sound(Track.INBOUND, SILENCE)
    assert () == placed.timeline.holes


def test_silence_that_the_carrier_timed_is_a_hole_of_that_length() -> None:
    """Arrival says 90 ms, the timestamps 403: the timestamps are right."""
    messages: list[tuple[str | bytes, float]] = [(stamped.start(), 0.0)]
    for number in range(50):
        messages.append((stamped.media(payload(number), 20 * number, number), 0.02 * number))
    for number in range(50, 100):
        at_ms = 20 * number + 403
        messages.append((stamped.media(payload(number), at_ms, number), 0.02 * number + 0.09))

    placed = capture(stamped.Stamped({}), messages)

    assert [(50 * FRAME, 403 * 8, "not_received")] == [
        (hole.position, hole.samples, hole.reason) for hole in placed.timeline.holes
    ]


@pytest.mark.parametrize("rate_hz", [11025, 22050, 44100])
def test_rounded_timestamps_make_no_hole(rate_hz: int) -> None:
    """Frames that are no whole milliseconds, with timestamps that are: contiguous all the same."""
    samples = 512
    messages: list[tuple[str | bytes, float]] = [
        (stamped.start(encoding=Encoding.L16, rate_hz=rate_hz), 0.0)
    ]
    sent = b""
    for number in range(300):
        frame = random.Random(number).randbytes(samples * 2)
        sent += frame
        at_ms = round(number * samples * 1000 / rate_hz)
        messages.append((stamped.media(frame, at_ms, number), at_ms / 1000 + 0.05))

    placed = capture(stamped.Stamped({}), messages, cut_every=43)

    assert sent == placed.sound(Track.INBOUND, b"\0\0")
    assert (rate_hz, 300 * samples) == (placed.timeline.rate_hz, placed.timeline.samples)


def test_two_tracks_share_the_carriers_zero() -> None:
    """A track whose first message is 60 ms later begins 60 ms later."""
    messages: list[tuple[str | bytes, float]] = [(stamped.start(), 0.0)]
    for number in range(20):
        messages.append((stamped.media(payload(number), 20 * number, number), 0.02 * number))
        if number >= 3:
            message = stamped.media(payload(number), 20 * number, number, Track.OUTBOUND)
            messages.append((message, 0.02 * number))

    placed = capture(stamped.Stamped({}), messages)

    assert 3 * FRAME == placed.timeline.tracks[Track.OUTBOUND][0].position


def test_a_count_of_samples_is_taken_at_its_word() -> None:
    """What the carrier says it discarded is a hole of exactly that many samples."""
    messages: list[tuple[str | bytes, float]] = [
        (answered.start(), 0.0),
        (answered.sound(payload(1), payload(2)), 0.02),
        (answered.text("discarded", discarded=333), 0.03),
        (answered.sound(payload(3), payload(4)), 0.04),
    ]

    placed = capture(answered.Answered({}), messages)

    assert payload(2) + SILENCE * 333 + payload(4) == placed.sound(Track.OUTBOUND, SILENCE)
    assert [(FRAME, 333), (FRAME, 333)] == [(h.position, h.samples) for h in placed.timeline.holes]


def test_half_a_minute_in_one_message() -> None:
    """480 kB that a carrier sends when it catches up are 30 s of two tracks."""
    said = [random.Random(track).randbytes(240_000) for track in range(2)]
    messages: list[tuple[str | bytes, float]] = [
        (answered.start(), 0.0),
        (answered.sound(said[0], said[1]), 31.0),
    ]

    placed = capture(answered.Bulky({}), messages)

    assert said == [placed.sound(track, SILENCE) for track in (Track.INBOUND, Track.OUTBOUND)]


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
def test_two_interleaved_tracks_of_l16(rate_hz: int) -> None:
    """Messages that end within a pair of samples still give both tracks to the sample."""
    chance = random.Random(rate_hz)
    said = [chance.randbytes(rate_hz * 4) for _ in range(2)]
    pairs = b"".join(
        said[0][at : at + 2] + said[1][at : at + 2] for at in range(0, len(said[0]), 2)
    )
    messages: list[tuple[str | bytes, float]] = [(stereo.start(rate_hz=rate_hz), 0.0)]
    at = 0
    while at < len(pairs):
        size = chance.randrange(1, rate_hz // 20)
        end = min(at + size, len(pairs))
        messages.append((pairs[at:end], end / (4 * rate_hz) + 0.03))
        at = end

    placed = capture(stereo.Stereo({}), messages)

    assert said == [placed.sound(track, b"\0\0") for track in (Track.INBOUND, Track.OUTBOUND)]
    assert (rate_hz, 2 * rate_hz) == (placed.timeline.rate_hz, placed.timeline.samples)


def run(clock: Clock = Clock.TIMESTAMP) -> PlacedRun:
    """Return a track of a new stream."""
    head = StreamHead(
        stream_key="s1",
        call_key="main/carrier/call",
        carrier_stream_id="s",
        dialect="stamped",
        rate_hz=8000,
        opened_at_us=OPENED_US,
        clock=clock,
    )
    track = StreamCapture(head).track(Track.INBOUND, Encoding.PCMU)
    assert isinstance(track, PlacedRun)
    return track


def at(seconds: float) -> int:
    """Return an arrival."""
    return OPENED_US + round(seconds * 1_000_000)


def test_one_absurd_offset_is_refused() -> None:
    """A message a year ahead costs itself, and the recording isn't a year long."""
    track = run()
    for number in range(5):
        track.add(payload(number), at(0.02 * number), number, FRAME * number)
        if number == 2:
            track.add(payload(9), at(0.05), 9, 8000 * 86400 * 365)

    assert [(0, 5 * FRAME)] == [(one.first_sample, one.samples) for one in track.cut()]
    assert (1, 5) == (track.misplaced, track.received)


def test_offsets_that_disagree_begin_no_other_count() -> None:
    """Messages that are far from the stream's zero and from each other are all refused."""
    track = run()
    track.add(payload(0), at(0), 0, 0)
    for number in range(1, 6):
        track.add(payload(number), at(0.02), number, 8000 * 1000 * number)
    track.add(payload(6), at(0.04), 6, FRAME)

    assert [(0, 2 * FRAME)] == [(one.first_sample, one.samples) for one in track.cut()]
    assert 5 == track.misplaced


def test_a_carrier_that_counts_anew_is_another_source() -> None:
    """Three messages that agree on another zero are kept, and so is what follows."""
    track = run()
    for number in range(3):
        track.add(payload(number), at(300 + 0.02 * number), number, 300 * 8000 + FRAME * number)
    for number in range(PROBATION + 1):
        track.add(payload(number), at(301 + 0.02 * number), number, FRAME * number)

    assert [(0, 300 * 8000, 3 * FRAME), (1, 0, (PROBATION + 1) * FRAME)] == [
        (one.source, one.first_sample, one.samples) for one in track.cut()
    ]
    assert 0 == track.misplaced


def test_a_message_without_an_offset_follows_what_came() -> None:
    """A dialect may tell the time of some messages only; empty messages are none."""
    track = run(Clock.SAMPLES)
    track.add(payload(0), at(0), offset=1000)
    track.add(b"", at(0.01), offset=0)
    track.add(payload(1), at(0.02))

    assert [(1000, 2 * FRAME)] == [(one.first_sample, one.samples) for one in track.cut()]
    assert None is track.span()
    assert [] == track.cut()


def test_only_the_latest_messages_are_known() -> None:
    """A copy after more messages than are remembered isn't counted, and heard once all the same."""
    track = run()
    for number in range(REMEMBERED + 1):
        track.add(payload(number), at(0.02 * number), number, FRAME * number)
    track.add(payload(0), at(0.02 * REMEMBERED), 0, 0)

    assert 0 == track.duplicated
    assert REMEMBERED + 2 == track.received


def test_misplaced_messages_are_counted_as_refused() -> None:
    """The stream's head tells of them."""
    head = StreamHead(
        stream_key="s1",
        call_key="main/carrier/call",
        carrier_stream_id="s",
        dialect="stamped",
        rate_hz=8000,
        opened_at_us=OPENED_US,
        clock=Clock.TIMESTAMP,
    )
    stream_ = StreamCapture(head)
    track = stream_.track(Track.INBOUND, Encoding.PCMU)
    for offset in (0, 8000 * 1000, FRAME):
        track.add(payload(1), at(0.02), 1, offset)

    assert 1 == stream_.head().messages_refused


def test_late_messages_are_counted() -> None:
    """One that came 40 ms later, against its offset, than the one before is late."""
    track = run()
    for number, late_s in enumerate((0.0, 0.05, 0.05, 0.0)):
        track.add(payload(number), at(0.02 * number + late_s), number, FRAME * number)

    assert 1 == track.late
