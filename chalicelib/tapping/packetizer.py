"""An outgoing tap's samples to what is sent: RTP packets, or bare messages of a websocket.

Payload goes in as it comes, in any length, and comes out in whole ptimes. What nobody said for a
while isn't sent by RTP: its timestamps go on, and the next packet is marked (RFC 3551 section 4.1).
A websocket's listener has no clock but the bytes, so silence is sent there as silence.
"""

from __future__ import annotations

import struct
from functools import reduce
from typing import Protocol

from chalicelib.media import codecs
from chalicelib.media.pcm import mix
from chalicelib.media.rtp import ENCODINGS, RATE_HZ, VERSION

_HEADER = struct.Struct(">BBHII")
_FIRST = VERSION << 6
_MARKER = 0x80
_PAYLOAD_TYPES = {encoding: kind for kind, encoding in ENCODINGS.items()}


class Packetizer(Protocol):
    """What a tap of either kind sends with."""

    def sound(self, payload: bytes) -> list[bytes]:
        """Take payload in the tap's codec; return what is to be sent now, in order."""

    def silence(self, samples: int) -> list[bytes]:
        """Take so much silence; return what is to be sent now."""

    def flush(self) -> list[bytes]:
        """Return the rest, shorter than a ptime; nothing where there is none."""


class RtpPacketizer:
    """RTP of one SSRC."""

    def __init__(
        self, codec: str, ptime_ms: int, *, ssrc: int, sequence: int, timestamp: int
    ) -> None:
        """`ssrc`, and the 16 and 32 bits to begin with, must be random (RFC 3550 section 5.1)."""
        self._codec = codec
        self._kind = _PAYLOAD_TYPES[codec]
        self._size = ptime_ms * RATE_HZ // 1000
        self._ssrc = ssrc
        self._sequence = sequence
        self._timestamp = timestamp
        self._rest = b""
        """what doesn't fill a packet yet"""
        self._marker = _MARKER

    def sound(self, payload: bytes) -> list[bytes]:
        """Take payload in the tap's codec; return the packets that it fills."""
        if self._rest:
            payload = self._rest + payload
        size = self._size
        if len(payload) == size:
            self._rest = b""
            return [self._packet(payload)]
        whole = len(payload) - len(payload) % size
        self._rest = payload[whole:]
        return [self._packet(payload[start : start + size]) for start in range(0, whole, size)]

    def silence(self, samples: int) -> list[bytes]:
        """Let time pass unsent; a packet begun is filled with silence first."""
        packets: list[bytes] = []
        if self._rest:
            filling = min(samples, self._size - len(self._rest))
            packets = self.sound(codecs.silent_payload(filling, self._codec))
            samples -= filling
        if samples:
            self._timestamp = (self._timestamp + samples) & 0xFFFF_FFFF
            self._marker = _MARKER
        return packets

    def flush(self) -> list[bytes]:
        """Return a last, short packet; none where nothing is left."""
        rest, self._rest = self._rest, b""
        return [self._packet(rest)] if rest else []

    def _packet(self, payload: bytes) -> bytes:
        header = _HEADER.pack(
            _FIRST, self._kind | self._marker, self._sequence, self._timestamp, self._ssrc
        )
        self._marker = 0
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + len(payload)) & 0xFFFF_FFFF
        return header + payload


class MessagePacketizer:
    """Bare codec bytes, one ptime a binary message, as SignalWire's tap sends them."""

    def __init__(self, codec: str, ptime_ms: int) -> None:
        self._codec = codec
        self._size = ptime_ms * RATE_HZ // 1000
        self._rest = b""

    def sound(self, payload: bytes) -> list[bytes]:
        """Take payload in the tap's codec; return the messages that it fills."""
        if self._rest:
            payload = self._rest + payload
        size = self._size
        whole = len(payload) - len(payload) % size
        self._rest = payload[whole:]
        return [payload[start : start + size] for start in range(0, whole, size)]

    def silence(self, samples: int) -> list[bytes]:
        """Send silence as sound: the listener counts bytes."""
        return self.sound(codecs.silent_payload(samples, self._codec))

    def flush(self) -> list[bytes]:
        """Return a last, short message; none where nothing is left."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


def mixed(payloads: list[tuple[bytes, str]], codec: str) -> bytes:
    """Return the saturated sum of tracks of equal length, each with its encoding, in a codec.

    One track alone isn't decoded where its encoding is the codec. At least one track; raises
    ValueError where their lengths differ.
    """
    if len(payloads) == 1:
        payload, encoding = payloads[0]
        return codecs.convert(payload, encoding, codec)
    pcm = reduce(mix, [codecs.decode(payload, encoding) for payload, encoding in payloads])
    return codecs.encode(pcm, codec)
