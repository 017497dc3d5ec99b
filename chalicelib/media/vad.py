"""Voice activity: where speech is on a track, detected by level, by blocks of 20 ms.

`input_sensitivity` is a level: 0 is -20 dBm0, each step 0.45 dB less, so 44 is -39.8 and 100 is
-65 dBm0. A block sounds when its level passes that, and is 7 dB above the line's own noise (the
least level of the last 3 s), which raises the bar by at most 15 dB: steady noise is no speech
unless it is louder than that. Speech is sound for three blocks running.

By hand: the level that `input_sensitivity` promises is arithmetic; a trained model (WebRTC's,
Silero) has no such level.
"""

from __future__ import annotations

import audioop
from collections import deque
from dataclasses import dataclass

from chalicelib.media.level import rms_at
from chalicelib.media.pcm import WIDTH

BLOCKS_PER_SECOND = 50
LEAST_SENSITIVE_DBM0 = -20.0
STEP_DB = 0.45
"""for each of the 100 steps; telephone speech is -15 to -30 dBm0, a quiet line -60 and less"""
NOISE_MARGIN_DB = 7.0
MOST_RISE_DB = 15.0
ONSET_BLOCKS = 3
"""60 ms: shorter than a syllable, longer than a click"""
HANGOVER_BLOCKS = 10
"""200 ms: the stops inside and between words"""
FLOOR_SPANS = 6
FLOOR_SPAN_BLOCKS = 25
"""six half seconds: nobody speaks for 3 s without a breath"""
IDLE_RMS = 8
"""what an idle PCMA line decodes to; it says nothing of the noise that comes with sound"""

_FAR = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBegun:
    """Somebody speaks from here on."""

    first_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded:
    """Nobody has spoken since here."""

    end_sample: int
    """one behind the last sample of speech"""


SpeechEvent = SpeechBegun | SpeechEnded


def threshold_dbm0(input_sensitivity: float) -> float:
    """Return the level from which sound on a quiet line counts, for a sensitivity from 0 to 100."""
    return LEAST_SENSITIVE_DBM0 - STEP_DB * input_sensitivity


class VoiceActivity:
    """Speech and silence of one track (or of a mix), from a position on.

    `initial_timeout` has passed when `settled` is that far and no speech has begun before;
    `end_silence_timeout`, when `silent_samples` is that much.
    """

    __slots__ = (
        "_bar",
        "_floor",
        "_is_speech",
        "_least",
        "_most",
        "_pending",
        "_position",
        "_quiet",
        "_run",
        "_samples",
        "_silent_since",
        "_size",
    )

    def __init__(self, rate_hz: int, input_sensitivity: float, *, first_sample: int = 0) -> None:
        level_dbm0 = threshold_dbm0(input_sensitivity)
        self._least = rms_at(level_dbm0)
        self._most = rms_at(level_dbm0 + MOST_RISE_DB)
        self._bar = self._least
        self._floor = _NoiseFloor()
        self._samples = rate_hz // BLOCKS_PER_SECOND
        self._size = WIDTH * self._samples
        self._pending = b""
        self._position = first_sample
        self._run = 0
        self._quiet = 0
        self._is_speech = False
        self._silent_since = first_sample

    @property
    def settled(self) -> int:
        """As far as it is settled what was speech: short of a sound that may yet become some."""
        return self._position if self._is_speech else self._position - self._run * self._samples

    @property
    def silent_since(self) -> int:
        """One behind the last sample of speech; the first sample, where there was none yet."""
        return self._silent_since

    @property
    def silent_samples(self) -> int:
        """How much settled silence there is by now: what `end_silence_timeout` is held against."""
        return self.settled - self._silent_since

    def feed(self, pcm: bytes) -> list[SpeechEvent]:
        """Take the next samples, any number; return what they settle, in order."""
        pending = self._pending + pcm
        size = self._size
        events: list[SpeechEvent] = []
        begin = 0
        while begin + size <= len(pending):
            self._judge(audioop.rms(pending[begin : begin + size], WIDTH), events)
            begin += size
        self._pending = pending[begin:]
        return events

    def skip(self, samples: int) -> list[SpeechEvent]:
        """Count samples that never came as silence, without a look at each."""
        events: list[SpeechEvent] = []
        self._position += len(self._pending) // WIDTH + samples
        self._pending = b""
        self._fall_silent(samples // self._samples, events)
        return events

    def _judge(self, rms: int, events: list[SpeechEvent]) -> None:
        self._position += self._samples
        if rms > IDLE_RMS:
            self._bar = min(self._most, max(self._least, self._floor.follow(rms)))
        if rms < self._bar:
            self._fall_silent(1, events)
        else:
            self._sound(events)

    def _sound(self, events: list[SpeechEvent]) -> None:
        self._run += 1
        if not self._is_speech:
            if self._run < ONSET_BLOCKS:
                return
            self._is_speech = True
            events.append(SpeechBegun(first_sample=self._position - self._run * self._samples))
        self._quiet = 0
        self._silent_since = self._position

    def _fall_silent(self, blocks: int, events: list[SpeechEvent]) -> None:
        self._run = 0
        if not self._is_speech:
            return
        self._quiet += blocks
        if self._quiet >= HANGOVER_BLOCKS:
            self._is_speech = False
            events.append(SpeechEnded(end_sample=self._silent_since))


class _NoiseFloor:
    """The least level of the last 3 s, as the mean of three blocks."""

    __slots__ = ("_before", "_blocks", "_last", "_least", "_margin", "_spans")

    def __init__(self) -> None:
        self._margin = 10 ** (NOISE_MARGIN_DB / 20) / 3
        self._spans: deque[int] = deque(maxlen=FLOOR_SPANS)
        self._least = _FAR
        self._blocks = 0
        self._last = self._before = 0

    def follow(self, rms: int) -> float:
        """Take the level of a block that sounds; return the level that is above the noise."""
        if not self._last:
            self._last = self._before = rms
        total = rms + self._last + self._before
        self._before, self._last = self._last, rms
        self._least = min(self._least, total)
        least = min((self._least, *self._spans))
        self._blocks += 1
        if self._blocks == FLOOR_SPAN_BLOCKS:
            self._spans.append(self._least)
            self._least = _FAR
            self._blocks = 0
        return self._margin * least
