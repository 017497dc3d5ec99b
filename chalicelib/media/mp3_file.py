"""An MP3 file: its frames are counted, whatever their bit rates.

ISO/IEC 11172-3 and 13818-3 with the usual third set of low sample rates (MPEG 2.5); ID3v2 before
the first frame. An encoder's own first frame (Xing, Info, VBRI) holds no sound.

By hand: libraries for tags (mutagen) need a file to seek in; here bytes are counted as they pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.media.sound_facts import SoundFacts

_HEADER = 4
_ID3_HEADER = 10
_LAYER_3 = 1
_MONO = 3
_MPEG_1, _MPEG_2, _MPEG_2_5 = 3, 2, 0
_RATES_HZ = {
    _MPEG_1: (44_100, 48_000, 32_000),
    _MPEG_2: (22_050, 24_000, 16_000),
    _MPEG_2_5: (11_025, 12_000, 8_000),
}
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LEAST_FRAMES = 2
"""one could be chance"""
_MOST_STRAY = 256 * 1024
"""bytes between frames, for tags in odd places: with more of them it is another kind of file"""
_TABLES_OF_CONTENTS = (b"Xing", b"Info", b"VBRI")
_TABLE_WITHIN = 64
"""bytes into its frame in which such a table begins"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    size: int
    rate_hz: int
    channels: int
    samples: int


def begins_mp3(opening: bytes) -> bool:
    """Whether a file's first bytes are an MP3's."""
    return opening[:3] == b"ID3" or _frame_at(opening, 0) is not None


class Mp3File:
    """Walks from frame to frame."""

    def __init__(self) -> None:
        self._held = b""
        self._skip = 0
        self._first: _Frame | None = None
        self._frames = 0
        self._samples = 0
        self._is_opened = False
        self._stray = 0

    def feed(self, octets: bytes) -> None:
        """Read on; a tag's head comes in one piece."""
        if self._stray > _MOST_STRAY:
            return
        held = self._held + octets
        if not self._is_opened:
            self._is_opened = True
            self._skip = _id3_size(held)
        at = self._skip
        while at + _TABLE_WITHIN <= len(held) and self._stray <= _MOST_STRAY:
            at = self._step(held, at)
        self._held = held[at:]
        self._skip = max(0, at - len(held))

    def facts(self) -> SoundFacts | None:
        """Return what was read; None where hardly a frame was found."""
        # What waits for its neighbours' bytes is read now that none come.
        at, held = self._skip, self._held + bytes(_TABLE_WITHIN)
        while at + _TABLE_WITHIN < len(held) and self._stray <= _MOST_STRAY:
            at = self._step(held, at)
        self._held, self._skip = b"", 0
        if self._first is None or self._frames < _LEAST_FRAMES or self._stray > _MOST_STRAY:
            return None
        return SoundFacts(
            kind="mp3",
            rate_hz=self._first.rate_hz,
            channels=self._first.channels,
            duration_ms=round(self._samples * 1000 / self._first.rate_hz),
        )

    def _step(self, held: bytes, at: int) -> int:
        """Read the frame at a place, or look for one; return the next place."""
        frame = _frame_at(held, at)
        if frame is None or not self._fits(frame):
            found = held.find(b"\xff", at + 1)
            after = len(held) if found < 0 else found
            self._stray += after - at
            return after
        if self._first is None:
            self._first = frame
            head = held[at : at + _TABLE_WITHIN]
            if any(table in head for table in _TABLES_OF_CONTENTS):
                return at + frame.size
        self._frames += 1
        self._samples += frame.samples
        return at + frame.size

    def _fits(self, frame: _Frame) -> bool:
        """Whether a frame is of the same stream as the first: else it is chance."""
        first = self._first
        return first is None or (frame.rate_hz, frame.samples) == (first.rate_hz, first.samples)


def _id3_size(held: bytes) -> int:
    """Return how long the tag before the first frame is; each of its size's bytes has 7 bits."""
    if held[:3] != b"ID3":
        return 0
    size = 0
    for octet in held[6:10]:
        size = size << 7 | octet & 0x7F
    has_footer = bool(held[5] & 0x10)
    return _ID3_HEADER + size + (_ID3_HEADER if has_footer else 0)


def _frame_at(held: bytes, at: int) -> _Frame | None:
    """Return the frame that begins at a place; None: none of layer III does."""
    if len(held) < at + _HEADER or held[at] != 0xFF or held[at + 1] & 0xE0 != 0xE0:
        return None
    second, third, fourth = held[at + 1], held[at + 2], held[at + 3]
    rates = _RATES_HZ.get(second >> 3 & 3)
    bits, rate = third >> 4, third >> 2 & 3
    if rates is None or second >> 1 & 3 != _LAYER_3 or bits in (0, 15) or rate == 3:
        return None
    is_first = second >> 3 & 3 == _MPEG_1
    kbits = (_KBITS_1 if is_first else _KBITS_2)[bits]
    samples = 1152 if is_first else 576
    return _Frame(
        size=samples * 125 * kbits // rates[rate] + (third >> 1 & 1),
        rate_hz=rates[rate],
        channels=1 if fourth >> 6 == _MONO else 2,
        samples=samples,
    )
