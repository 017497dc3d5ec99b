"""What ends a recording by itself, held against what is heard: a digit, silence, nobody speaking.

Times are µs since 1970 on the wall, as a recording's intervals. docs/reference/detection.md has
the rules:

- `initial_timeout` runs from the recording's first sample until somebody speaks;
- `end_silence_timeout` runs when somebody has spoken and nobody does; the silence is kept;
- a pause, and time without any stream, counts in neither; silence begins anew after it;
- a digit ends the recording where the digit begins.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import RecordOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDecision:
    """A recording is over."""

    recording_id: str
    cause: Cause
    at_us: int
    """its end; it may lie behind us"""
    digit: str = ""
    """that ended it"""


def asks_for_digits(options: RecordOptions) -> bool:
    """Tell whether a recording listens for digits."""
    return bool(options.terminators)


def asks_for_voices(options: RecordOptions) -> bool:
    """Tell whether a recording listens for speech."""
    return bool(options.initial_timeout_s or options.end_silence_timeout_s)


class EndRules:
    """One recording's timeouts and terminators."""

    def __init__(self, recording_id: str, options: RecordOptions, *, has_spoken: bool) -> None:
        """`has_spoken`: somebody may have; what came before isn't known here."""
        self.recording_id = recording_id
        self.options = options
        self._initial_us = round(options.initial_timeout_s * 1_000_000)
        self._end_silence_us = round(options.end_silence_timeout_s * 1_000_000)
        self._has_spoken = has_spoken
        self._counted_us = 0
        """heard before `from_us`, without speech"""
        self.from_us: int | None = None
        """from when on it listens; None: from the first sample that comes"""
        self._asked_from_us: int | None = None
        """what came before this is none of its own; None: nothing can have come before"""
        self.is_listening = False
        self.beep_until_us = 0
        """until then its beep may sound on what the party hears"""

    def listen(self, from_us: int | None, counted_us: int = 0) -> None:
        """Begin, or begin again after a pause; `counted_us` is recorded before it."""
        self.from_us = self._asked_from_us = from_us
        self._counted_us, self.is_listening = counted_us, True

    def pause(self) -> None:
        """Hear nothing until it listens again."""
        self.is_listening = False

    def miss_beginning(self) -> None:
        """Take it that somebody may have spoken: what came first can't be heard any more."""
        self._has_spoken = self._has_spoken or self.from_us is None

    def leave_out(self, from_us: int, to_us: int) -> None:
        """Let time in which no stream lived count in nothing."""
        if self.from_us is not None:
            self._counted_us += max(0, from_us - self.from_us)
            self.from_us = max(self.from_us, to_us)

    def decide(self, settled_us: int, spoken_until_us: int | None) -> EndDecision | None:
        """Hear that it is settled who spoke until `settled_us`: the last one so long."""
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
        """Hear a digit; one that was pressed before it listened is none of its own."""
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
