"""Detects what ends the recordings of a call: media and digits in, decisions out.

Each track is decoded once and each detector runs once, however many recordings need it. Digits are
detected on the inbound (or mixed) track, speech on the tracks of a recording's `direction`; a mute
track counts as silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.live_clock import SILENT_AFTER_US
from chalicelib.recording import intervals, lifecycle
from chalicelib.recording.detection.end_rules import (
    EndDecision,
    EndRules,
    asks_for_digits,
    asks_for_voices,
)
from chalicelib.recording.detection.track_detector import (
    DetectionDemand,
    TrackDetector,
    TrackSource,
)
from chalicelib.recording.model import Direction, Recording

EARLIER_US = 1_000_000
"""a recording that began this long before the first stream here first listened elsewhere"""
BEEP_US = 1_500_000
"""half a second of beep, and one for its way: it may sound on the outbound track"""
MESSAGES_A_LOOK = 5
"""100 ms of one track; a decision is exact however late it is made"""

_FOLLOWED = {
    Direction.SPEAK: (Track.INBOUND, Track.MIXED),
    Direction.LISTEN: (Track.OUTBOUND, Track.MIXED),
    Direction.BOTH: (Track.INBOUND, Track.OUTBOUND, Track.MIXED),
}
_PRESSED = (Track.INBOUND, Track.MIXED)


class EndDetector:
    """Decides when the recordings of one call end by their own options."""

    def __init__(self) -> None:
        self._rules: dict[str, EndRules] = {}
        self._over: set[str] = set()
        self._demands: dict[Track, DetectionDemand] = {}
        self._detectors: dict[Track, TrackDetector] = {}
        self._messages = 0
        self._begun_us: int | None = None
        """the arrival of the call's first media, on any track"""

    @property
    def is_listening(self) -> bool:
        """Whether any recording listens."""
        return any(rules.is_listening for rules in self._rules.values())

    @property
    def listens_from_us(self) -> int | None:
        """Return the earliest time from which a recording listens; None: the first sample."""
        begins = [rules.from_us for rules in self._rules.values() if rules.is_listening]
        known = [from_us for from_us in begins if from_us is not None]
        return min(known) if known and len(known) == len(begins) else None

    def attend(self, recordings: Iterable[Recording], opened_us: int) -> None:
        """Listen for the live recordings of a call, as they are now, and for no others.

        `opened_us` is when the first stream of the call was opened here.
        """
        asking = {
            one.recording_id: one
            for one in recordings
            if one.recording_id not in self._over
            and (asks_for_digits(one.options) or asks_for_voices(one.options))
        }
        self._rules = {
            key: self._rules.get(key) or _rules_of(one, opened_us) for key, one in asking.items()
        }
        for key, one in asking.items():
            _steer(self._rules[key], one)
        self._ask()

    def miss_beginning(self) -> None:
        """Take note that the beginning of the call is no longer available."""
        for rules in self._rules.values():
            rules.miss_beginning()

    def hear(
        self, source: TrackSource, track: Track, payload: bytes, encoding: Encoding, arrival_us: int
    ) -> list[EndDecision]:
        """Take a message of a track; if it comes from another stream, that one is newer."""
        if self._begun_us is None:
            self._begun_us = arrival_us
        if track not in self._demands:
            return []
        detector = self._detectors.get(track)
        if detector is None or detector.source is not source:
            detector = self._open(source, track, arrival_us)
        decisions: list[EndDecision] = []
        for heard in detector.feed(payload, encoding, arrival_us):
            decisions += self.pass_time(arrival_us)
            decisions += self.press(heard.digit, heard.at_us)
        self._messages += 1
        if self._messages % MESSAGES_A_LOOK == 0:
            decisions += self.pass_time(arrival_us)
        return decisions

    def leave(self, source: TrackSource) -> None:
        """Take note that a stream has ended: its missing media isn't silence."""
        for detector in self._detectors.values():
            if detector.source is source:
                detector.is_gone = True

    def beep(self, recording_id: str, now_us: int) -> None:
        """Take note that a recording's beep is sent to the party."""
        if recording_id in self._rules:
            self._rules[recording_id].beep_until_us = now_us + BEEP_US

    def press(self, digit: str, at_us: int) -> list[EndDecision]:
        """Take a digit, detected or reported."""
        decided = [rules.press(digit, at_us) for rules in self._rules.values()]
        return self._ended(decided)

    def pass_time(self, now_us: int) -> list[EndDecision]:
        """End the recordings whose timeouts have run out, while a stream of the call is live."""
        asked = [
            rules
            for rules in self._rules.values()
            if rules.is_listening and asks_for_voices(rules.options)
        ]
        return self._ended([self._decide(rules, now_us) for rules in asked])

    def _decide(self, rules: EndRules, now_us: int) -> EndDecision | None:
        detectors = [self._detectors[track] for track in self._followed(rules)]
        if not detectors:
            return self._decide_unheard(rules, now_us)
        if all(detector.is_gone for detector in detectors):
            return None
        if rules.from_us is None:
            rules.from_us = min(detector.clock.begin_us(0) for detector in detectors)
        sensitivity = rules.options.input_sensitivity
        settled = [
            detector.settled_us(sensitivity)
            for detector in detectors
            if not detector.is_mute(now_us)
        ]
        spoken = [self._spoken_until_us(track, rules) for track in self._followed(rules)]
        return rules.decide(
            min(settled, default=now_us),
            max((until_us for until_us in spoken if until_us is not None), default=None),
        )

    def _decide_unheard(self, rules: EndRules, now_us: int) -> EndDecision | None:
        """Decide for a recording none of whose tracks has come, though others have: if none comes
        soon, they are silent."""
        if self._begun_us is None:
            return None
        from_us = self._begun_us if rules.from_us is None else rules.from_us
        if now_us < from_us + SILENT_AFTER_US:
            return None
        rules.from_us = from_us
        return rules.decide(now_us - SILENT_AFTER_US, None)

    def _spoken_until_us(self, track: Track, rules: EndRules) -> int | None:
        """Return until when there was speech on a track; the recording's own beep is none."""
        until_us = self._detectors[track].spoken_until_us(rules.options.input_sensitivity)
        if until_us is None or (track is not Track.INBOUND and until_us <= rules.beep_until_us):
            return None
        return until_us

    def _followed(self, rules: EndRules) -> Iterator[Track]:
        return (track for track in _FOLLOWED[rules.options.direction] if track in self._detectors)

    def _open(self, source: TrackSource, track: Track, arrival_us: int) -> TrackDetector:
        """Return a detector for a track's new stream; time between two streams doesn't count."""
        before = self._detectors.get(track)
        if before is not None:
            for rules in self._rules.values():
                if track in self._followed(rules):
                    rules.leave_out(before.clock.arrived_us, arrival_us)
        detector = self._detectors[track] = TrackDetector(source)
        detector.ask(self._demands[track])
        return detector

    def _ask(self) -> None:
        self._demands = {
            track: demand for track in Track if (demand := self._demand(track)) is not None
        }
        self._detectors = {
            track: detector for track, detector in self._detectors.items() if track in self._demands
        }
        for track, detector in self._detectors.items():
            detector.ask(self._demands[track])

    def _demand(self, track: Track) -> DetectionDemand | None:
        listening = [rules.options for rules in self._rules.values() if rules.is_listening]
        sensitivities = frozenset(
            options.input_sensitivity
            for options in listening
            if asks_for_voices(options) and track in _FOLLOWED[options.direction]
        )
        digits = track in _PRESSED and any(map(asks_for_digits, listening))
        if not sensitivities and not digits:
            return None
        return DetectionDemand(sensitivities=sensitivities, digits=digits)

    def _ended(self, decided: Iterable[EndDecision | None]) -> list[EndDecision]:
        decisions = [decision for decision in decided if decision is not None]
        for decision in decisions:
            del self._rules[decision.recording_id]
            self._over.add(decision.recording_id)
        if decisions:
            self._ask()
        return decisions


def _rules_of(recording: Recording, opened_us: int) -> EndRules:
    began_us = _from_us(recording) or _started_us(recording)
    return EndRules(
        recording.recording_id,
        recording.options,
        has_spoken=began_us < opened_us - EARLIER_US,
    )


def _steer(rules: EndRules, recording: Recording) -> None:
    """Make a recording's rules follow its state."""
    if not lifecycle.is_capturing(recording.state):
        rules.pause()
    elif not rules.is_listening:
        counted_us = intervals.shown_us(recording.intervals, _started_us(recording))
        rules.listen(_from_us(recording), counted_us)


def _from_us(recording: Recording) -> int | None:
    return recording.intervals[-1].from_us if recording.intervals else None


def _started_us(recording: Recording) -> int:
    started_at = recording.started_at or recording.created_at
    return round(started_at.timestamp() * 1_000_000)
