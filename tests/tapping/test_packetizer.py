"""An outgoing tap's packets and messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Track
from chalicelib.capture.packets import PacketCapture
from chalicelib.media import codecs
from chalicelib.media.pcm import mix
from chalicelib.media.rtp import PCMA, PCMU, parse
from chalicelib.tapping.packetizer import MessagePacketizer, Packetizer, RtpPacketizer, mixed
from tests.capture.network import head

SOUND = bytes(range(160))


def rtp(codec: str = "PCMU", ptime_ms: int = 20, sequence: int = 7) -> RtpPacketizer:
    """Return a packetizer that begins with numbers of its own."""
    return RtpPacketizer(codec, ptime_ms, ssrc=0xDEADBEEF, sequence=sequence, timestamp=1000)


def facts(packets: list[bytes]) -> list[tuple[int, int, bool, int]]:
    """Return sequence, timestamp, marker and length of each packet."""
    read = [parse(packet) for packet in packets]
    return [(one.sequence, one.timestamp, one.marker, len(one.payload)) for one in read]


def test_a_packet_says_what_it_carries() -> None:
    """Version, payload type, SSRC and payload are as RFC 3550 and 3551 want them."""
    (packet,) = rtp("PCMA").sound(SOUND)

    assert b"\x80\x88\x00\x07\x00\x00\x03\xe8\xde\xad\xbe\xef" + SOUND == packet
    assert [PCMU, PCMA] == [
        parse(rtp(codec).sound(SOUND)[0]).payload_type for codec in ("PCMU", "PCMA")
    ]


def test_the_first_packet_is_marked_and_no_other() -> None:
    """A talkspurt begins once; numbers and timestamps go on."""
    packetizer = rtp()

    assert [(7, 1000, True, 160), (8, 1160, False, 160)] == facts(packetizer.sound(SOUND * 2))
    assert [(9, 1320, False, 160)] == facts(packetizer.sound(SOUND))


@pytest.mark.parametrize("ptime_ms", range(10, 121, 10))
def test_every_ptime_is_whole(ptime_ms: int) -> None:
    """Whatever comes in, packets carry a ptime of samples."""
    packetizer = rtp(ptime_ms=ptime_ms)

    packets = [packet for _ in range(60) for packet in packetizer.sound(SOUND)]

    size = 8 * ptime_ms
    assert [size] * (9600 // size) == [length for *_, length in facts(packets)]
    packets += packetizer.flush()
    assert SOUND * 60 == b"".join(parse(packet).payload for packet in packets)


def test_numbers_wrap() -> None:
    """After the last of 16 bits and of 32 bits comes zero."""
    packetizer = RtpPacketizer("PCMU", 20, ssrc=1, sequence=65_535, timestamp=2**32 - 160)

    assert [(65_535, 2**32 - 160), (0, 0), (1, 160)] == [
        fact[:2] for fact in facts(packetizer.sound(SOUND * 3))
    ]
    packetizer.silence(2**32 - 320)
    assert [(2, 0, True, 160)] == facts(packetizer.sound(SOUND))


def test_silence_isnt_sent_and_marks_what_follows() -> None:
    """Timestamps pass over it, numbers don't."""
    packetizer = rtp()
    packetizer.sound(SOUND)

    assert [] == packetizer.silence(8000)
    assert [(8, 9160, True, 160), (9, 9320, False, 160)] == facts(packetizer.sound(SOUND * 2))


def test_a_packet_begun_is_filled_with_silence() -> None:
    """What was said before a silence is sent at once, padded; the rest of the silence isn't."""
    packetizer = rtp()
    packetizer.sound(SOUND[:100])

    (packet,) = packetizer.silence(160)

    assert SOUND[:100] + b"\xff" * 60 == parse(packet).payload
    assert [(8, 1260, True, 160)] == facts(packetizer.sound(SOUND))


def test_a_short_silence_within_a_packet_is_sound() -> None:
    """Silence that doesn't fill a packet is part of it, and nothing is marked."""
    packetizer = rtp()
    packetizer.sound(SOUND + SOUND[:100])

    assert [] == packetizer.silence(20)
    assert [(8, 1160, False, 160)] == facts(packetizer.sound(SOUND[:40]))


def test_messages_carry_bare_bytes_and_silence_too() -> None:
    """A websocket's listener counts bytes: nothing may be missing."""
    packetizer = MessagePacketizer("PCMA", 20)

    assert [SOUND] == packetizer.sound(SOUND + SOUND[:60])
    assert [SOUND[:60] + b"\xd5" * 100, b"\xd5" * 160] == packetizer.silence(260)
    assert [] == packetizer.flush()


@pytest.mark.parametrize("packetizer", [rtp(), MessagePacketizer("PCMU", 20)])
def test_the_rest_is_sent_in_the_end(packetizer: Packetizer) -> None:
    """A tap's last samples are a short packet, once."""
    packetizer.sound(SOUND + SOUND[:40])

    (last,) = packetizer.flush()

    assert last.endswith(SOUND[:40])
    assert [] == packetizer.flush()


@pytest.mark.parametrize(("source", "codec"), [("PCMU", "PCMA"), ("PCMA", "PCMU"), ("L16", "PCMU")])
def test_converts_where_the_codec_differs(source: str, codec: str) -> None:
    """The payload is that of the same sound in the tap's codec."""
    payload = codecs.encode(codecs.decode(SOUND, "PCMU"), source)

    assert codecs.encode(codecs.decode(payload, source), codec) == mixed([(payload, source)], codec)
    assert SOUND == mixed([(SOUND, codec)], codec)


def test_both_is_the_saturated_sum() -> None:
    """Two tracks, each in its encoding, are one; what is too loud clips."""
    loud = codecs.encode(b"\x00\x7f" * 160, "PCMU")
    quiet = codecs.encode(b"\x00\x10" * 160, "PCMA")

    summed = codecs.decode(mixed([(loud, "PCMU"), (loud, "PCMU")], "PCMU"), "PCMU")
    both = mixed([(loud, "PCMU"), (quiet, "PCMA")], "PCMA")

    assert codecs.decode(codecs.encode(b"\xff\x7f" * 160, "PCMU"), "PCMU") == summed
    pcm = mix(codecs.decode(loud, "PCMU"), codecs.decode(quiet, "PCMA"))
    assert codecs.encode(pcm, "PCMA") == both
    with pytest.raises(ValueError, match="don't mix"):
        mixed([(SOUND, "PCMU"), (SOUND[:80], "PCMU")], "PCMU")


STEPS = st.lists(st.binary(max_size=400) | st.integers(0, 2000), max_size=20)


@given(steps=STEPS, ptime_ms=st.integers(1, 12).map(lambda tens: 10 * tens))
def test_what_was_sent_lies_where_it_was_said(steps: list[bytes | int], ptime_ms: int) -> None:
    """A receiver puts every sample in its place, and finds silence where silence was."""
    packetizer = rtp(ptime_ms=ptime_ms, sequence=65_530)
    said, packets = b"", []
    for step in steps:
        if isinstance(step, int):
            said += b"\xff" * step
            packets += packetizer.silence(step)
        else:
            said += step
            packets += packetizer.sound(step)
    packets += packetizer.flush()

    capture = PacketCapture(head(), Track.INBOUND)
    for packet in packets:
        for one in capture.receive(parse(packet), 0):
            capture.add(one)

    begin = parse(packets[0]).timestamp - 1000 if packets else len(said)
    heard = bytearray(b"\xff" * len(said))
    for record in capture.cut():
        at = begin + record.first_sample
        heard[at : at + record.samples] = record.payload
    assert said == bytes(heard)


@given(steps=STEPS)
def test_messages_say_it_all(steps: list[bytes | int]) -> None:
    """Joined, a websocket's messages are what was said, silence and all."""
    packetizer = MessagePacketizer("PCMU", 20)
    said, messages = b"", []
    for step in steps:
        if isinstance(step, int):
            said += b"\xff" * step
            messages += packetizer.silence(step)
        else:
            said += step
            messages += packetizer.sound(step)

    assert said == b"".join(messages + packetizer.flush())
    assert all(len(message) == 160 for message in messages)
