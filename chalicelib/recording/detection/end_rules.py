"""The rules that end a recording by its options: a digit, silence, or no speech at all.

Times are µs since 1970 on the wall clock, as a recording's intervals.
docs/reference/detection.md has the rules:

- `initial_timeout` runs from the recording's first sample until there is speech;
- `end_silence_timeout` runs in silence after speech; the silence stays in the recording;
- a pause, and time without any stream, counts for neither; silence starts again after it;
- a digit ends the recording where the digit begins.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import RecordOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDecision:
    """The end of a recording, and its cause."""

    recording_id: str
    cause: Cause
    at_us: int
    """the recording's end; it may be in the past"""
    digit: str = ""
    """the digit that ended it"""


def asks_for_digits(options: RecordOptions) -> bool:
    """Whether a recording needs digits."""
    return bool(options.terminators)


def asks_for_voices(options: RecordOptions) -> bool:
    """Whether a recording needs voice activity."""
    return bool(options.initial_timeout_s or options.end_silence_timeout_s)


class EndRules:
    """One recording's timeouts and terminators."""

    def __init__(self, recording_id: str, options: RecordOptions, *, has_spoken: bool) -> None:
        """`has_spoken`: there may have been speech before, which isn't known here."""
        self.recording_id = recording_id
        self.options = options
        self._initial_us = round(options.initial_timeout_s * 1_000_000)
        self._end_silence_us = round(options.end_silence_timeout_s * 1_000_000)
        self._has_spoken = has_spoken
        self._counted_us = 0
        """listened to before `from_us`, without speech"""
        self.from_us: int | None = None
        """the time from which it listens; None: from the first sample that comes"""
        self._asked_from_us: int | None = None
        """what came before this time doesn't count; None: nothing can have come before"""
        self.is_listening = False
        self.beep_until_us = 0
        """until then its beep may sound on the outbound track"""

    def listen(self, from_us: int | None, counted_us: int = 0) -> None:
        """Begin, or begin again after a pause; `counted_us` was recorded before it."""
        self.from_us = self._asked_from_us = from_us
        self._counted_us, self.is_listening = counted_us, True

    def pause(self) -> None:
        """Ignore everything until `listen`."""
        self.is_listening = False

    def miss_beginning(self) -> None:
        """Assume that there was speech: the beginning is no longer available."""
        self._has_spoken = self._has_spoken or self.from_us is None

    def leave_out(self, from_us: int, to_us: int) -> None:
        """Don't count a time in which no stream was live."""
        if self.from_us is not None:
            self._counted_us += max(0, from_us - self.from_us)
            self.from_us = max(self.from_us, to_us)

    def decide(self, settled_us: int, spoken_until_us: int | None) -> EndDecision | None:
        """Decide, knowing all speech until `settled_us`; the last ended at `spoken_until_us`."""
        assert self.from_us is not None
        if spoken_until_us is not None and self._is_its_own(spoken_until_us):
            self._has_spoken = True
        if not self._has_spoken:
            end_us = self.from_us + self._initial_us - self._counted_us
            return self._over(self._initial_us, settled_us, end_us, Cause.INITIAL_TIMEOUT)
        quiet_us = max(self.from_us, spoken_until_us or self.from_us)
        end_us = quiet_us + self._end_silence_us
        return self._over(self._end_silence_us, settled_us, end_us, Cause.END_SILENCE)

    def press(self, digit: str, at_us: int) -> EndDecision | None:
        """Take a digit; one that was pressed before `listen` doesn't count."""
        if digit not in self.options.terminators or not self.is_listening:
            return None
        return self._decision(Cause.DIGIT, at_us, digit) if self._is_its_own(at_us) else None

    def _is_its_own(self, at_us: int) -> bool:
        return self._asked_from_us is None or at_us > self._asked_from_us

    def _over(
        self, timeout_us: int, settled_us: int, end_us: int, cause: Cause
    ) -> EndDecision | None:
        if not timeout_us or settled_us < end_us:
            return None
        return self._decision(cause, end_us)

    def _decision(self, cause: Cause, at_us: int, digit: str = "") -> EndDecision:
        return EndDecision(recording_id=self.recording_id, cause=cause, at_us=at_us, digit=digit)
