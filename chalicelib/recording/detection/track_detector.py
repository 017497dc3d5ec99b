"""The detectors of one live track, which is decoded once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.capture.events import Encoding
from chalicelib.capture.live_clock import HeardClock
from chalicelib.media import codecs
from chalicelib.media.digits import DigitBegun
from chalicelib.media.dtmf import DigitDetector
from chalicelib.media.pcm import samples_of
from chalicelib.media.vad import VoiceActivity

DIGIT_MARGIN_US = 20_000
"""a tone's position is exact to 12.5 ms: this long before it there is surely no tone"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionDemand:
    """The events to detect on a track."""

    sensitivities: frozenset[float] = frozenset()
    """voice activity, for each `input_sensitivity`"""
    digits: bool = False
    """in-band DTMF"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSource:
    """A stream, as a detector needs to know it."""

    rate_hz: int
    tells_digits: bool = False
    """beside the sound: then no tones are detected"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedDigit:
    """A digit that was detected in the sound."""

    digit: str
    at_us: int
    """the time just before its tone, on the wall clock"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    activity: VoiceActivity
    first_sample: int


class TrackDetector:
    """The detectors of one track of one stream."""

    def __init__(self, source: TrackSource) -> None:
        self.source = source
        self.is_gone = False
        """whether its stream has ended"""
        self.clock = HeardClock(source.rate_hz)
        self._voices: dict[float, _Voice] = {}
        self._digits: DigitDetector | None = None

    def ask(self, demand: DetectionDemand) -> None:
        """Detect this from now on; a detector that wasn't needed before starts afresh."""
        at, rate_hz = self.clock.samples, self.source.rate_hz
        self._voices = {
            sensitivity: self._voices.get(sensitivity)
            or _Voice(
                activity=VoiceActivity(rate_hz, sensitivity, first_sample=at),
                first_sample=at,
            )
            for sensitivity in demand.sensitivities
        }
        if not demand.digits or self.source.tells_digits:
            self._digits = None
        elif self._digits is None:
            self._digits = DigitDetector(rate_hz, first_sample=at)

    def feed(self, payload: bytes, encoding: Encoding, arrival_us: int) -> Sequence[DetectedDigit]:
        """Take a message; return the digits that begin in it."""
        pcm = codecs.decode(payload, encoding)
        self.clock.add(samples_of(pcm), arrival_us)
        for voice in self._voices.values():
            voice.activity.feed(pcm)
        if self._digits is None:
            return ()
        events = self._digits.feed(pcm)
        return [self._placed(one) for one in events if isinstance(one, DigitBegun)]

    def is_mute(self, now_us: int) -> bool:
        """Whether its next sound isn't worth waiting for."""
        return self.is_gone or self.clock.is_mute(now_us)

    def settled_us(self, sensitivity: float) -> int:
        """Return the time until which all speech is known."""
        return self.clock.end_us(self._voices[sensitivity].activity.settled)

    def spoken_until_us(self, sensitivity: float) -> int | None:
        """Return the end of the last speech; None: there was none since the detector started."""
        voice = self._voices[sensitivity]
        silent_since = voice.activity.silent_since
        return self.clock.end_us(silent_since) if silent_since > voice.first_sample else None

    def _placed(self, begun: DigitBegun) -> DetectedDigit:
        at_us = self.clock.begin_us(begun.first_sample) - DIGIT_MARGIN_US
        return DetectedDigit(digit=begun.digit, at_us=at_us)
