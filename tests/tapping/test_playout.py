"""What a tap sends of what it hears."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from chalicelib.capture.events import Track
from chalicelib.media import codecs
from chalicelib.media.jitter import Depth
from chalicelib.media.pcm import mix
from chalicelib.recording.model import Direction
from chalicelib.tapping.packetizer import MessagePacketizer
from chalicelib.tapping.playout import DEPTH, Playout

IN, OUT, MIXED = Track.INBOUND, Track.OUTBOUND, Track.MIXED
SILENCE = b"\xff" * 160
NOISE = Random(3)


def a_frame() -> bytes:
    """Return 20 ms of which no sample is PCMU's silence."""
    return bytes(NOISE.randrange(0x7F) for _ in range(160))


def a_playout(
    direction: Direction = Direction.SPEAK, codec: str = "PCMU", depth: Depth | None = None
) -> Playout:
    depth = depth or Depth(least=0, most=160)
    return Playout(direction, codec, 20, MessagePacketizer(codec, 20), depth)


def sent(playout: Playout, ticks: int) -> bytes:
    return b"".join(message for _ in range(ticks) for message in playout.tick())


@pytest.mark.parametrize(("direction", "track"), [(Direction.SPEAK, IN), (Direction.LISTEN, OUT)])
def test_a_direction_is_a_track(direction: Direction, track: Track) -> None:
    """Its payload goes through byte for byte; the other track is left."""

    playout, frame = a_playout(direction), a_frame()
    playout.take(track, frame, "PCMU")
    playout.take(IN if track is OUT else OUT, a_frame(), "PCMU")

    assert [frame] == playout.tick()


def test_both_is_the_sum_of_both() -> None:
    """Saturated; each track in its own encoding."""

    playout, first, second = a_playout(Direction.BOTH), a_frame(), a_frame()
    playout.take(IN, first, "PCMU")
    playout.take(OUT, second, "PCMA")

    pcm = mix(codecs.decode(first, "PCMU"), codecs.decode(second, "PCMA"))
    assert [codecs.encode(pcm, "PCMU")] == playout.tick()


def test_of_both_the_one_that_sounds_is_sent_as_it_is() -> None:
    """A track that is silent for a while isn't decoded into the sum."""

    playout, frame = a_playout(Direction.BOTH), a_frame()
    playout.take(OUT, a_frame(), "PCMU")
    playout.tick()
    playout.take(IN, frame, "PCMU")

    assert [frame] == playout.tick()


@pytest.mark.parametrize("direction", Direction)
def test_a_mixed_track_is_what_it_is(direction: Direction) -> None:
    """It can't be taken apart, so it is sent whatever was asked for."""

    playout, frame = a_playout(direction), a_frame()
    playout.take(MIXED, frame, "PCMU")

    assert [frame] == playout.tick()


def test_a_mixed_track_beside_others_is_left() -> None:
    """Nobody is heard twice; the mixed one goes when another comes."""

    playout = a_playout(Direction.BOTH)
    playout.take(MIXED, a_frame(), "PCMU")
    frame = a_frame()
    playout.take(IN, frame, "PCMU")
    playout.take(MIXED, a_frame(), "PCMU")

    assert [frame] == playout.tick()
    assert 20 == playout.skipped_ms


@pytest.mark.parametrize(("encoding", "codec"), [("PCMA", "PCMU"), ("PCMU", "PCMA")])
def test_a_source_in_another_law_is_converted(encoding: str, codec: str) -> None:
    """Once, by the codec's own table."""

    playout, frame = a_playout(codec=codec), a_frame()
    playout.take(IN, frame, encoding)

    assert [codecs.convert(frame, encoding, codec)] == playout.tick()


def test_a_source_that_changes_its_law_goes_on() -> None:
    """What waits in the old one is left out, and told."""

    playout, frame = a_playout(), a_frame()
    playout.take(IN, frame, "PCMU")
    playout.take(IN, frame, "PCMA")

    assert [codecs.convert(frame, "PCMA", "PCMU")] == playout.tick()
    assert (20, 0) == (playout.skipped_ms, playout.messages_late)


def test_linear_samples_are_two_bytes() -> None:
    """L16 has a position for every two."""

    playout, pcm = a_playout(), bytes(2 * 320)
    playout.take(IN, pcm, "L16")

    assert SILENCE * 2 == sent(playout, 2)
    assert playout.is_drained


def test_payloads_of_any_length_come_out_whole() -> None:
    """Ten milliseconds or sixty: in order, nothing lost."""

    playout, audio = a_playout(), b"".join(a_frame() for _ in range(6))
    at = 0
    for size in (80, 80, 480, 160, 160):
        playout.take(IN, audio[at : at + size], "PCMU")
        at += size

    assert not playout.is_drained
    assert audio == sent(playout, 6)
    assert playout.is_drained


def test_silence_is_sent_while_nothing_comes() -> None:
    """A websocket's listener has no clock but the bytes; how long it was is told."""

    playout = a_playout()

    assert SILENCE * 3 == sent(playout, 3)
    assert 60 == playout.silence_ms


def test_what_comes_a_little_unevenly_loses_nothing() -> None:
    """A minute whose packets come up to 80 ms late, the first ones too: every sample is sent,
    in its order."""

    playout = Playout(Direction.SPEAK, "PCMU", 20, MessagePacketizer("PCMU", 20))
    dice, audio, frames = Random(5), [], 3_000
    arrivals = sorted((number * 20 + dice.randrange(80), number) for number in range(frames))
    ordered = [at for at, _ in arrivals]
    out = b""
    due = 0
    for tick in range(frames + 20):
        while due < frames and ordered[due] <= tick * 20:
            audio.append(a_frame())
            playout.take(IN, audio[-1], "PCMU")
            due += 1
        out += b"".join(playout.tick())

    assert b"".join(audio) == out.replace(b"\xff", b"")
    assert (0, 0) == (playout.skipped_ms, playout.messages_late)


def test_a_pause_of_the_source_loses_nothing() -> None:
    """After three seconds in which nothing came, it goes on where it stood."""

    playout = Playout(Direction.SPEAK, "PCMU", 20, MessagePacketizer("PCMU", 20))
    before, after = a_frame(), a_frame()
    playout.take(IN, before, "PCMU")
    out = sent(playout, 150)
    playout.take(IN, after, "PCMU")
    out += sent(playout, 20)

    assert before + after == out.replace(b"\xff", b"")


def test_a_long_burst_is_cut_and_told() -> None:
    """A tap is live: of three seconds at once it sends what it can still hold."""

    playout = Playout(Direction.SPEAK, "PCMU", 20, MessagePacketizer("PCMU", 20))
    playout.take(IN, a_frame(), "PCMU")
    sent(playout, 150)
    for _ in range(150):
        playout.take(IN, a_frame(), "PCMU")
    held_ms = len(sent(playout, 200).replace(b"\xff", b"")) / 8

    assert 1000 <= held_ms <= 1000 + DEPTH.most / 8
    assert 3000 == held_ms + playout.skipped_ms


@pytest.mark.parametrize("rate_hz", [11025, 16000, 48000])
def test_a_source_of_another_rate_is_resampled(rate_hz: int) -> None:
    """A second of L16 is a second of the tap's codec, sent in its ptimes."""

    playout = a_playout(depth=Depth(least=0, most=16_000))
    playout.take(IN, b"\x01\x20" * rate_hz, "L16", rate_hz)

    pcm = codecs.decode(sent(playout, 50), "PCMU")

    assert 2 * 8000 == len(pcm)
    assert 0x2000 == pytest.approx(array("h", pcm)[4000], rel=0.02)
    assert (0, True) == (playout.silence_ms, playout.is_drained)


def test_a_track_that_changes_its_rate_begins_again() -> None:
    """What the old stream left in the buffer is counted as skipped; the new one's sound is sent."""

    playout = a_playout(depth=Depth(least=0, most=16_000))
    playout.take(IN, bytes(640), "L16", 16000)
    playout.take(IN, bytes(320), "L16", 8000)

    assert [codecs.silent_payload(160, "PCMU")] == playout.tick()
    assert 20 == playout.skipped_ms
