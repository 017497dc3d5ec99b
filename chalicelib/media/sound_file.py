"""Facts in a sound file (WAV, MP3 or MP4), read as its bytes come, in constant memory.

Nothing is decoded. What begins as none of the three has no facts.
"""

from __future__ import annotations

from typing import Protocol

from chalicelib.media.mp3_file import Mp3File, begins_mp3
from chalicelib.media.mp4_file import Mp4File, begins_mp4
from chalicelib.media.sound_facts import SoundFacts
from chalicelib.media.wav_file import WavFile, begins_wav

_OPENING = 16
"""bytes that tell which it is"""


class Reading(Protocol):
    """One format's reader."""

    def feed(self, octets: bytes) -> None:
        """Read on."""

    def facts(self) -> SoundFacts | None:
        """Return what was read; None: not a file of the format."""


class SoundFile:
    """A file of a format that its first bytes tell."""

    def __init__(self) -> None:
        self._opening = b""
        self._reading: Reading | None = None

    def feed(self, octets: bytes) -> None:
        """Read on."""
        if self._reading is not None:
            self._reading.feed(octets)
            return
        self._opening += octets
        if len(self._opening) >= _OPENING:
            self._reading = _reading_of(self._opening)
            self._reading.feed(self._opening)

    def facts(self) -> SoundFacts | None:
        """Return what the file says, all of it read; None: no sound file that we know."""
        return self._reading.facts() if self._reading is not None else None


class _Unknown:
    """A file of another kind."""

    def feed(self, octets: bytes) -> None:
        """Leave it."""

    def facts(self) -> SoundFacts | None:
        """Return nothing."""
        return None


def _reading_of(opening: bytes) -> Reading:
    if begins_wav(opening):
        return WavFile()
    if begins_mp4(opening):
        return Mp4File()
    return Mp3File() if begins_mp3(opening) else _Unknown()
