"""One track as it is heard live: decoded once, for all detectors that somebody asks for."""

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
"""a tone's place is right to 12.5 ms: what lies so long before it is surely not the tone"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionDemand:
    """What is asked of a track."""

    sensitivities: frozenset[float] = frozenset()
    """voice activity, by `input_sensitivity`"""
    digits: bool = False
    """those that sound in band"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSource:
    """A stream, as far as a detector must know it."""

    rate_hz: int
    tells_digits: bool = False
    """beside the sound: nobody listens for tones then"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedDigit:
    """A key press that sounded."""

    digit: str
    at_us: int
    """the wall clock just before its tone"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    activity: VoiceActivity
    first_sample: int


class TrackDetector:
    """The detectors of one track of one stream."""

    def __init__(self, source: TrackSource) -> None:
        self.source = source
        self.is_gone = False
        """its stream has ended"""
        self.clock = HeardClock(source.rate_hz)
        self._voices: dict[float, _Voice] = {}
        self._digits: DigitDetector | None = None

    def ask(self, demand: DetectionDemand) -> None:
        """Listen for this; a detector that is new, or asked for again, begins anew."""
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

    def hear(self, payload: bytes, encoding: Encoding, arrival_us: int) -> Sequence[DetectedDigit]:
        """Take a message; return the keys that went down in it."""
        pcm = codecs.decode(payload, encoding)
        self.clock.add(samples_of(pcm), arrival_us)
        for voice in self._voices.values():
            voice.activity.feed(pcm)
        if self._digits is None:
            return ()
        told = self._digits.feed(pcm)
        return [self._placed(one) for one in told if isinstance(one, DigitBegun)]

    def is_mute(self, now_us: int) -> bool:
        """Tell whether it is useless to wait for what it hears next."""
        return self.is_gone or self.clock.is_mute(now_us)

    def settled_us(self, sensitivity: float) -> int:
        """Return until when it is settled who spoke."""
        return self.clock.end_us(self._voices[sensitivity].activity.judged)

    def spoken_until_us(self, sensitivity: float) -> int | None:
        """Return until when somebody spoke; None: nobody has, since it was first asked."""
        voice = self._voices[sensitivity]
        silent_since = voice.activity.silent_since
        return self.clock.end_us(silent_since) if silent_since > voice.first_sample else None

    def _placed(self, begun: DigitBegun) -> DetectedDigit:
        at_us = self.clock.begin_us(begun.first_sample) - DIGIT_MARGIN_US
        return DetectedDigit(digit=begun.digit, at_us=at_us)
