"""The jitter buffer: an unbroken row of samples, whatever the network does."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.media.jitter import LATE_ROW, Depth, JitterBuffer

FRAME = 160
ADAPTIVE = Depth(least=320, most=1600)
FIXED = Depth(least=320, most=320)


def frame(number: int) -> bytes:
    """Return a frame's payload, which tells its number; no silence among them."""
    return bytes([number % 250]) * FRAME


def pull(buffer: JitterBuffer, pulls: int) -> list[int | None]:
    """Pull frame by frame; return each one's number, None for silence."""
    pulled = [buffer.pull(FRAME) for _ in range(pulls)]
    assert all(len(one.payload) == FRAME for one in pulled)
    return [one.payload[0] if one.heard else None for one in pulled]


def play(
    buffer: JitterBuffer, arrivals: Sequence[tuple[float, int]], pulls: int
) -> list[int | None]:
    """Pull once per 20 ms after pushing what came until then: (arrival in frames, number)."""
    waiting = deque(sorted(arrivals))
    heard: list[int | None] = []
    for tick in range(pulls):
        while waiting and waiting[0][0] <= tick:
            _, number = waiting.popleft()
            buffer.push(number * FRAME, frame(number))
        heard += pull(buffer, 1)
    return heard


def test_gives_silence_before_anything_came() -> None:
    """An empty buffer gives as much silence as is asked for, in its encoding."""
    assert b"\xff" * 160 == JitterBuffer("PCMU", ADAPTIVE).pull(160).payload
    assert bytes(320) == JitterBuffer("L16", ADAPTIVE).pull(160).payload
    assert 0 == JitterBuffer("PCMA", ADAPTIVE).pull(160).heard


def test_waits_its_depth_and_then_plays() -> None:
    """The first packet sounds after the least depth; from then on each one follows."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    assert [None, None, 0, 1, 2, 3] == play(buffer, [(n, n) for n in range(6)], 6)
    assert (0, 0, 320, 320) == (buffer.late, buffer.skipped, buffer.silent, buffer.depth)


def test_begins_with_packets_that_had_to_wait() -> None:
    """They sound after the least depth, none is left out, and the depth tells how long they
    waited in all."""
    buffer = JitterBuffer("PCMU", Depth(least=320, most=1600, kept=480))
    buffer.begin(0, waited=480)

    arrivals = [(0, 0), (0, 1), (0, 2), (0, 3), *((n - 3, n) for n in range(4, 300))]

    assert [None, None, *range(250)] == play(buffer, arrivals, 252)
    assert (0, 0, 800) == (buffer.late, buffer.skipped, buffer.depth)


def test_what_waited_for_too_long_is_left_out() -> None:
    """Beyond the most the beginning isn't heard, and what follows waits no longer than that."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)
    buffer.begin(0, waited=1280 + 640)
    for number in range(11):
        buffer.push(number * FRAME, frame(number))

    assert [2, 3, 4, 5, 6, 7] == pull(buffer, 6)
    assert (2, 1600) == (buffer.late, buffer.depth)


def test_puts_packets_in_order() -> None:
    """Reordered within the depth, and doubled, they sound in order and once."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(0, 0), (1, 2), (1.5, 1), (2, 2), (3, 3)]
    assert [None, None, 0, 1, 2, 3, None] == play(buffer, arrivals, 7)


def test_a_gap_is_silence_of_its_length() -> None:
    """A lost packet, or a pause by timestamp, moves nothing that follows."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(n, n) for n in (0, 1, 3, 40, 41)]
    heard = play(buffer, arrivals, 44)

    assert [None, None, 0, 1, None, 3, *[None] * 36, 40, 41] == heard
    assert (0, 0, 0) == (buffer.late, buffer.skipped, buffer.restarts)


def test_frames_of_any_length_become_frames_of_another() -> None:
    """10 ms in, 30 ms out: samples count, not packets."""
    buffer = JitterBuffer("PCMU", Depth(least=0, most=0))
    for number in range(6):
        buffer.push(80 * number, bytes([number]) * 80)

    assert b"\x00" * 80 + b"\x01" * 80 + b"\x02" * 80 == buffer.pull(240).payload
    assert (b"\x03" * 80 + b"\x04" * 80 + b"\x05" * 80, 240) == (
        (after := buffer.pull(240)).payload,
        after.heard,
    )


def test_counts_samples_of_two_bytes() -> None:
    """Positions are samples, whatever they take."""
    buffer = JitterBuffer("L16", Depth(least=80, most=160))
    buffer.push(0, b"\x01\x02" * 160)
    buffer.push(320, b"\x03\x04" * 160)

    assert (bytes(160) + b"\x01\x02" * 80, 80) == (
        (first := buffer.pull(160)).payload,
        first.heard,
    )
    assert b"\x01\x02" * 80 + bytes(160) == buffer.pull(160).payload


def test_becomes_deeper_for_what_comes_late() -> None:
    """After one wait more, packets as late as that are in time, and none is lost."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(0, 0), (1, 1), *((n + 3, n) for n in range(2, 12))]
    heard = [number for number in play(buffer, arrivals, 20) if number is not None]

    assert list(range(12)) == heard
    assert (0, 320 + FRAME) == (buffer.late, buffer.depth)


def test_a_fixed_depth_drops_what_comes_late() -> None:
    """Too late is too late: counted, and silence in its place."""
    buffer = JitterBuffer("PCMU", FIXED)

    arrivals = [(n if n != 4 else n + 3, n) for n in range(8)]
    heard = play(buffer, arrivals, 10)

    assert [None, None, 0, 1, 2, 3, None, 5, 6, 7] == heard
    assert (1, 320) == (buffer.late, buffer.depth)


def test_what_should_follow_has_sounded() -> None:
    """A packet whose follower was heard can't be played any more, however deep it might be."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(0, 0), (2, 2), (5, 1), (3, 3), (4, 4)]
    heard = play(buffer, arrivals, 7)

    assert [None, None, 0, None, 2, 3, 4] == heard
    assert 1 == buffer.late


def test_a_copy_of_what_sounded_never_sounds_again() -> None:
    """Not even where the buffer became deeper meanwhile."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)
    buffer.push(0, frame(1))
    assert [None, None, 1, None] == pull(buffer, 4)
    buffer.push(240, frame(2))
    buffer.push(0, frame(1))

    heard = bytes(b for _ in range(3) for b in buffer.pull(FRAME).payload)

    assert frame(2) == heard.strip(b"\xff")
    assert 1 == buffer.late


def test_plays_what_is_left_of_a_late_packet() -> None:
    """A packet that is half too late is heard by half."""
    buffer = JitterBuffer("PCMU", Depth(least=80, most=80))
    buffer.push(0, frame(1))
    buffer.pull(320)
    buffer.push(160, bytes([*[7] * 80, *[8] * 80]))

    assert (b"\x08" * 80 + b"\xff" * 80, 80) == (
        (half := buffer.pull(160)).payload,
        half.heard,
    )
    assert 1 == buffer.late


def test_becomes_shallower_when_less_is_enough() -> None:
    """After some seconds without lateness the depth is back at its least, frame by frame."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(n + 4 * (20 <= n < 30), n) for n in range(2000)]
    heard = [number for number in play(buffer, arrivals, 2010) if number is not None]

    assert 320 <= buffer.depth <= 480
    assert 0 < buffer.skipped <= 4 * FRAME
    assert heard[:30] == list(range(30))
    assert 0 == buffer.late


@pytest.mark.parametrize("ppm", [-200, 200])
@pytest.mark.parametrize("depth", [ADAPTIVE, FIXED], ids=["adaptive", "fixed"])
def test_follows_a_drift(ppm: int, depth: Depth) -> None:
    """In a quarter of an hour a sender 200 ppm off loses some frames, and never the thread."""
    buffer = JitterBuffer("PCMU", depth)

    arrivals = [(number * (1 + ppm * 1e-6), number) for number in range(45_000)]
    heard = play(buffer, arrivals, 45_000)

    assert heard.count(None) < 50
    assert buffer.late + buffer.skipped / FRAME < 50
    assert 160 <= buffer.depth <= 480


def test_a_clock_that_stood_still_goes_on_at_once() -> None:
    """Contiguous samples after ten seconds of nothing lose none."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(n if n < 5 else n + 500, n) for n in range(10)]
    heard = play(buffer, arrivals, 520)

    assert list(range(10)) == [number for number in heard if number is not None]
    assert (0, 1) == (buffer.late, buffer.restarts)


def test_a_clock_that_fell_back_goes_on_soon() -> None:
    """After a row of packets from another time, that time it is."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(n, n + 100 if n < 10 else n) for n in range(20)]
    heard = play(buffer, arrivals, 30)

    assert [110 - 1, 14] == [heard[11], heard[14 + 2]]
    assert (LATE_ROW - 1, 1) == (buffer.late, buffer.restarts)


def test_a_clock_that_leapt_goes_on_at_once() -> None:
    """Far more than it can hold ahead is another time."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)
    buffer.push(0, frame(0))
    buffer.push(10**9, frame(1))

    assert [None, None, 1] == pull(buffer, 3)
    assert (1, FRAME) == (buffer.restarts, buffer.skipped)


def test_another_source_may_begin_anew() -> None:
    """Whoever knows that positions begin anew says so."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)
    buffer.push(10**6, frame(0))
    buffer.restart(0)
    buffer.push(0, frame(1))

    assert [None, None, 1] == pull(buffer, 3)


def test_holds_no_more_than_it_may() -> None:
    """What nobody pulls is dropped, the oldest first, and counted."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)
    for number in range(200):
        buffer.push(number * FRAME, frame(number))

    held = ADAPTIVE.most // FRAME + 50
    assert list(range(200 - held, 200)) == pull(buffer, held)
    assert (200 - held) * FRAME == buffer.skipped
    assert [None] == pull(buffer, 1)


def test_a_burst_longer_than_it_may_hold_leaves_its_end() -> None:
    """Of eight seconds at once the last are kept."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)
    buffer.push(0, frame(0))
    buffer.push(FRAME, bytes(16_000))

    assert 9600 == buffer.pull(16_000).heard


def test_most_is_the_most_after_a_stall() -> None:
    """A second that the network held back makes it deep, for two seconds."""
    buffer = JitterBuffer("PCMU", ADAPTIVE)

    arrivals = [(n if n < 100 else max(n, 150), n) for n in range(590)]
    heard = play(buffer, arrivals, 590)

    assert buffer.depth <= ADAPTIVE.most
    assert (589 - buffer.depth // FRAME) % 250 == heard[-1]


@given(
    seed=st.integers(0, 1000),
    least=st.integers(0, 480),
    more=st.integers(0, 1600),
    jitter=st.floats(0, 6),
    loss=st.floats(0, 0.3),
)
def test_nothing_sounds_twice_or_out_of_order(
    seed: int, least: int, more: int, jitter: float, loss: float
) -> None:
    """Whatever the network, what is heard are frames of the sender, in order, each once at most."""
    dice = random.Random(seed)
    buffer = JitterBuffer("PCMU", Depth(least=least, most=least + more))
    arrivals = [(n + dice.random() * jitter, n) for n in range(200) if dice.random() >= loss]
    waiting = deque(sorted(arrivals))
    heard = bytearray()
    for tick in range(260):
        while waiting and waiting[0][0] <= tick:
            _, number = waiting.popleft()
            buffer.push(number * FRAME, bytes([number]) * FRAME)
        heard += buffer.pull(FRAME).payload

    sounding = [number for number in heard if number != 255]
    assert sounding == sorted(sounding)
    assert max(Counter(sounding).values(), default=0) <= FRAME


def test_keeps_a_depth_that_it_shall_keep() -> None:
    """A buffer that may stay deeper leaves nothing out for being a little too deep."""

    for kept, skipped in ((0, 160), (800, 0)):
        buffer = JitterBuffer("PCMU", Depth(least=0, most=1600, kept=kept))
        buffer.push(0, bytes(160))
        buffer.pull(480)
        buffer.push(160, bytes(480))
        for number in range(4, 220):
            buffer.push(160 * number, bytes(160))
            buffer.pull(160)
        assert skipped == buffer.skipped
        assert 0 < buffer.ahead
