"""RTP packets: what a datagram says, and every way to be none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import WireError
from chalicelib.media.rtp import (
    PCMA,
    TELEPHONE_EVENT,
    Extension,
    RtpPacket,
    build,
    extend_sequence,
    extend_timestamp,
    parse,
)

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 63) | st.integers(96, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFF_FFFF),
    ssrc=st.integers(0, 0xFFFF_FFFF),
    payload=st.binary(max_size=200),
    marker=st.booleans(),
    csrcs=st.lists(st.integers(0, 0xFFFF_FFFF), max_size=15).map(tuple),
    extension=st.none()
    | st.builds(
        Extension,
        profile=st.integers(0, 0xFFFF),
        body=st.integers(0, 10).flatmap(
            lambda words: st.binary(min_size=4 * words, max_size=4 * words)
        ),
    ),
)


def refusal(datagram: bytes) -> tuple[str, str]:
    """Return code and fact of a datagram that is refused."""
    with pytest.raises(WireError) as refused:
        parse(datagram)
    return refused.value.code, refused.value.fact


def test_reads_a_packet_from_a_trace() -> None:
    """A plain packet of PCMA with its marker set, as written in a trace."""
    datagram = bytes.fromhex("80881f0e0004b3c0deadbeef") + b"\xd5" * 160

    assert RtpPacket(PCMA, 7950, 308_160, 0xDEADBEEF, b"\xd5" * 160, True) == parse(datagram)


def test_reads_every_part_of_a_header() -> None:
    """Contributing sources, extension and padding are told from the payload."""
    datagram = (
        bytes([0x80 | 0x20 | 0x10 | 2, TELEPHONE_EVENT])
        + struct.pack(">HII", 1, 2, 3)
        + struct.pack(">II", 7, 8)
        + struct.pack(">HH", 0xBEDE, 1)
        + b"\x10\x20\x30\x40"
        + b"\x01\x0a\x03\x20"
        + b"\0\0\x03"
    )

    assert RtpPacket(
        TELEPHONE_EVENT,
        1,
        2,
        3,
        b"\x01\x0a\x03\x20",
        False,
        (7, 8),
        Extension(0xBEDE, b"\x10\x20\x30\x40"),
    ) == parse(datagram)


@given(packet=PACKETS, padding=st.integers(0, 255))
def test_reads_what_it_builds(packet: RtpPacket, padding: int) -> None:
    """Whatever was built is read as it was, whatever its padding."""
    assert packet == parse(build(packet, padding))


@given(datagram=st.binary(max_size=64) | st.binary(max_size=64).map(lambda rest: b"\xbf" + rest))
def test_any_bytes_parse_or_raise(datagram: bytes) -> None:
    """A datagram is a packet or a WireError, never another error."""
    try:
        packet = parse(datagram)
    except WireError:
        return

    assert len(packet.payload) <= len(datagram) - 12


@pytest.mark.parametrize(
    ("datagram", "code", "fact"),
    [
        (b"", "short_packet", "0 bytes, a header has 12"),
        (bytes([0x80]) + bytes(10), "short_packet", "11 bytes, a header has 12"),
        (b"\x00\x01" + bytes(18), "not_rtp", "version 0, not 2"),
        (b"\x16\xfe\xff" + bytes(18), "not_rtp", "version 0, not 2"),
        (b"GET / HTTP/1.1\r\n", "not_rtp", "version 1, not 2"),
        (bytes([0x81, 200]) + bytes(26), "rtcp", "RTCP of type 200"),
        (bytes([0x82]) + bytes(15), "short_packet", "16 bytes, 2 CSRCs need 20"),
        (bytes([0x90]) + bytes(14), "short_packet", "15 bytes, the extension needs 16"),
        (
            bytes([0x90]) + bytes(13) + b"\0\x02" + bytes(4),
            "short_packet",
            "20 bytes, the extension needs 24",
        ),
        (bytes([0xA0]) + bytes(11), "bad_padding", "0 bytes of padding in the last 0"),
        (bytes([0xA0]) + bytes(15), "bad_padding", "0 bytes of padding in the last 4"),
        (bytes([0xA0]) + bytes(14) + b"\x05", "bad_padding", "5 bytes of padding in the last 4"),
    ],
)
def test_says_what_is_wrong(datagram: bytes, code: str, fact: str) -> None:
    """Each way to be no packet has its own code and names its lengths."""
    assert (code, fact) == refusal(datagram)


@pytest.mark.parametrize("kind", [192, 200, 204, 207, 223])
def test_refuses_rtcp_by_name(kind: int) -> None:
    """What RTCP's types look like is no sound on any port (RFC 5761)."""
    assert "rtcp" == refusal(bytes([0x80, kind]) + bytes(30))[0]


def test_numbers_go_on_where_they_wrap() -> None:
    """The number after 65,535 is 65,536, and a late one before the wrap is below it."""
    assert (65_536, 65_535, 131_072, -1) == (
        extend_sequence(0, 65_535),
        extend_sequence(65_535, 65_540),
        extend_sequence(0, 131_071),
        extend_sequence(65_535, 3),
    )
    assert (2**32, 2**32 - 160, -160) == (
        extend_timestamp(0, 2**32 - 160),
        extend_timestamp(2**32 - 160, 2**32),
        extend_timestamp(2**32 - 160, 0),
    )


@given(near=st.integers(-(2**40), 2**40), away=st.integers(-0x8000, 0x7FFF))
def test_the_nearest_number_is_found(near: int, away: int) -> None:
    """Whatever is nearer than half the range is found from its last bits."""
    assert near + away == extend_sequence((near + away) & 0xFFFF, near)
    assert near + away * 65_536 == extend_timestamp((near + away * 65_536) & 0xFFFF_FFFF, near)
