"""RTP as a carrier sends it, made apart from Tapedeck's own: a simulator must not share mistakes.

Source: RFC 3550 5.1 (header), RFC 3551 6 (payload types), RFC 4733 2.3 and 2.5 (digits).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from chalicelib.capture.events import Encoding
from simulator.speech import FRAME_SAMPLES

PAYLOAD_TYPES: Mapping[Encoding, int] = MappingProxyType({Encoding.PCMU: 0, Encoding.PCMA: 8})
TELEPHONE_EVENT = 101
DIGITS = "0123456789*#ABCD"
"""by event code"""
PRESS_FRAMES = 5
"""a press lasts 100 ms"""

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_VERSION, _MARKER, _END = 0x80, 0x80, 0x80
_VOLUME = 10
"""-10 dBm0"""
_ENDS = 3
"""packets that tell a press's end: any may be lost"""


class Source:
    """One synchronization source: its numbers begin at random, as RFC 3550 requires."""

    def __init__(self, encoding: Encoding, random: Random) -> None:
        self._payload_type = PAYLOAD_TYPES[encoding]
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)

    def sound(self, position: int, payload: bytes, *, is_marked: bool) -> bytes:
        """Return a frame's packet; the first one after silence is marked."""
        return self._packet(self._payload_type, position, payload, is_marked=is_marked)

    def press(self, digit: str, position: int, frame: int) -> list[bytes]:
        """Return what tells, in the n-th frame since a position, that a key is down.

        Its end, in the last of PRESS_FRAMES, comes three times.
        """
        is_over = frame == PRESS_FRAMES
        volume = _VOLUME | (_END if is_over else 0)
        event = _EVENT.pack(DIGITS.index(digit), volume, frame * FRAME_SAMPLES)
        return [
            self._packet(TELEPHONE_EVENT, position, event, is_marked=frame == 1)
            for _ in range(_ENDS if is_over else 1)
        ]

    def _packet(
        self, payload_type: int, position: int, payload: bytes, *, is_marked: bool
    ) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = _HEADER.pack(
            _VERSION,
            payload_type | (_MARKER if is_marked else 0),
            self._sequence,
            (self._timestamp + position) & 0xFFFFFFFF,
            self._ssrc,
        )
        return header + payload
