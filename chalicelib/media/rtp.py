"""RTP packets: bytes to fields and back (RFC 3550 section 5.1), and numbers that don't wrap.

The law: a datagram is refused unless every length in it adds up. What shares the port with RTP by
RFC 5761 (RTCP) or RFC 7983 (STUN, DTLS) is refused by name, never read as sound.

By hand: twelve bytes, on the path of every packet; aiortc's parser builds objects that nothing here
needs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from chalicelib.errors import WireError

VERSION = 2
RATE_HZ = 8000
"""of every payload type below (RFC 3551 table 4, RFC 4733)"""
PCMU, PCMA, COMFORT_NOISE, TELEPHONE_EVENT = 0, 8, 13, 101
"""payload types; telephone-event's is dynamic, and 101 by custom"""
ENCODINGS: Mapping[int, str] = MappingProxyType({PCMU: "PCMU", PCMA: "PCMA"})
"""the payload types that are sound, by the names of RFC 3551"""
HEADER_BYTES = 12

_HEADER = struct.Struct(">BBHII")
_EXTENSION = struct.Struct(">HH")
_PLAIN = VERSION << 6
"""a first byte without padding, extension and contributing sources"""
_PADDING, _HAS_EXTENSION, _CSRC_COUNT = 0x20, 0x10, 0x0F
_MARKER = 0x80
_RTCP = range(192, 224)
"""what RTCP's packet type may be in the second byte (RFC 5761 section 4)"""


class Extension(msgspec.Struct, frozen=True):
    """A header extension."""

    profile: int
    """16 bits whose meaning is the profile's"""
    body: bytes
    """whole 32-bit words"""


class RtpPacket(msgspec.Struct, frozen=True, gc=False):
    """One datagram. Built 50 times a second for each stream."""

    payload_type: int
    sequence: int
    """16 bits"""
    timestamp: int
    """32 bits, in samples"""
    ssrc: int
    payload: bytes
    """without padding; may be empty"""
    marker: bool = False
    """of sound: the first packet after silence (RFC 3551 section 4.1)"""
    csrcs: tuple[int, ...] = ()
    extension: Extension | None = None


def parse(datagram: bytes) -> RtpPacket:
    """Return a datagram's packet.

    Raises WireError, code `short_packet`, `not_rtp`, `rtcp` or `bad_padding`.
    """
    if len(datagram) < HEADER_BYTES:
        raise _refused(f"{len(datagram)} bytes, a header has {HEADER_BYTES}", "short_packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    if first >> 6 != VERSION:
        raise _refused(f"version {first >> 6}, not {VERSION}", "not_rtp")
    if second in _RTCP:
        raise _refused(f"RTCP of type {second}", "rtcp")
    marker, kind = second >= _MARKER, second & ~_MARKER
    if first == _PLAIN:
        return RtpPacket(kind, sequence, timestamp, ssrc, datagram[HEADER_BYTES:], marker)
    csrcs, offset = _parse_csrcs(datagram, first & _CSRC_COUNT)
    extension = _parse_extension(datagram, offset) if first & _HAS_EXTENSION else None
    if extension is not None:
        offset += _EXTENSION.size + len(extension.body)
    end = len(datagram) - (_padding(datagram, offset) if first & _PADDING else 0)
    payload = datagram[offset:end]
    return RtpPacket(kind, sequence, timestamp, ssrc, payload, marker, csrcs, extension)


def build(packet: RtpPacket, padding: int = 0) -> bytes:
    """Return a packet's bytes, with so many bytes of padding, at most 255, behind its payload."""
    extension = packet.extension
    first = _PLAIN | len(packet.csrcs)
    parts = [struct.pack(f">{len(packet.csrcs)}I", *packet.csrcs)]
    if extension is not None:
        first |= _HAS_EXTENSION
        parts += [_EXTENSION.pack(extension.profile, len(extension.body) // 4), extension.body]
    parts.append(packet.payload)
    if padding:
        first |= _PADDING
        parts.append(bytes(padding - 1) + bytes([padding]))
    second = packet.payload_type | (_MARKER if packet.marker else 0)
    header = _HEADER.pack(first, second, packet.sequence, packet.timestamp, packet.ssrc)
    return b"".join([header, *parts])


def extend_sequence(sequence: int, near: int) -> int:
    """Return the number nearest to `near` whose last 16 bits are these; it may be negative."""
    return near + ((sequence - near + 0x8000) & 0xFFFF) - 0x8000


def extend_timestamp(timestamp: int, near: int) -> int:
    """Return the number nearest to `near` whose last 32 bits are these; it may be negative."""
    return near + ((timestamp - near + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


def _parse_csrcs(datagram: bytes, count: int) -> tuple[tuple[int, ...], int]:
    offset = HEADER_BYTES + 4 * count
    if len(datagram) < offset:
        raise _refused(f"{len(datagram)} bytes, {count} CSRCs need {offset}", "short_packet")
    return struct.unpack_from(f">{count}I", datagram, HEADER_BYTES), offset


def _parse_extension(datagram: bytes, offset: int) -> Extension:
    body = offset + _EXTENSION.size
    if len(datagram) < body:
        raise _refused(f"{len(datagram)} bytes, the extension needs {body}", "short_packet")
    profile, words = _EXTENSION.unpack_from(datagram, offset)
    end = body + 4 * words
    if len(datagram) < end:
        raise _refused(f"{len(datagram)} bytes, the extension needs {end}", "short_packet")
    return Extension(profile, datagram[body:end])


def _padding(datagram: bytes, offset: int) -> int:
    """Return how many bytes at the end are padding; the last one says it, and counts itself."""
    left = len(datagram) - offset
    count = datagram[-1] if left else 0
    if not 0 < count <= left:
        raise _refused(f"{count} bytes of padding in the last {left}", "bad_padding")
    return count


def _refused(fact: str, code: str) -> WireError:
    return WireError("rtp", fact, code=code)
