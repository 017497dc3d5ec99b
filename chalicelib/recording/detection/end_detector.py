"""What the recordings of a call listen for, and what they hear: facts in, verdicts out.

Each track is decoded once and each detector runs once, however many recordings ask. Digits are
heard on the inbound (or mixed) track, speech on the tracks of a recording's `direction`; a track
that is mute is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.live_clock import PATIENCE_US
from chalicelib.recording import intervals, lifecycle
from chalicelib.recording.detection.end_rules import (
    Verdict,
    Watch,
    asks_for_digits,
    asks_for_voices,
)
from chalicelib.recording.detection.track_detector import Demand, Ear, Source
from chalicelib.recording.model import Direction, Recording

EARLIER_US = 1_000_000
"""a recording that began so long before the first stream here was heard elsewhere first"""
BEEP_US = 1_500_000
"""half a second, and one for its way out and back: it may sound on the outbound track"""
MESSAGES_A_LOOK = 5
"""100 ms of one track: an end is exact whenever it is found"""

_FOLLOWED = {
    Direction.SPEAK: (Track.INBOUND, Track.MIXED),
    Direction.LISTEN: (Track.OUTBOUND, Track.MIXED),
    Direction.BOTH: (Track.INBOUND, Track.OUTBOUND, Track.MIXED),
}
_PRESSED = (Track.INBOUND, Track.MIXED)


class Hearing:
    """The recordings of one call that end by themselves."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self._over: set[str] = set()
        self._demands: dict[Track, Demand] = {}
        self._ears: dict[Track, Ear] = {}
        self._messages = 0
        self._begun_us: int | None = None
        """when the first sound of the call was heard, on whatever track"""

    @property
    def is_listening(self) -> bool:
        """Tell whether anybody listens."""
        return any(watch.is_listening for watch in self._watches.values())

    @property
    def listens_from_us(self) -> int | None:
        """Return from when on the first of them listens; None: from the first sample."""
        begins = [watch.from_us for watch in self._watches.values() if watch.is_listening]
        known = [from_us for from_us in begins if from_us is not None]
        return min(known) if known and len(known) == len(begins) else None

    def attend(self, recordings: Iterable[Recording], opened_us: int) -> None:
        """Listen for the live recordings of a call, as they are now, and for no other.

        `opened_us`: when the first stream of the call was opened here.
        """
        asking = {
            one.recording_id: one
            for one in recordings
            if one.recording_id not in self._over
            and (asks_for_digits(one.options) or asks_for_voices(one.options))
        }
        self._watches = {
            key: self._watches.get(key) or _watch(one, opened_us) for key, one in asking.items()
        }
        for key, one in asking.items():
            _steer(self._watches[key], one)
        self._ask()

    def miss_beginning(self) -> None:
        """Take note that what came first can't be heard any more."""
        for watch in self._watches.values():
            watch.miss_beginning()

    def hear(
        self, source: Source, track: Track, payload: bytes, encoding: Encoding, arrival_us: int
    ) -> list[Verdict]:
        """Take a message of the stream that gives the track; another than before is newer."""
        if self._begun_us is None:
            self._begun_us = arrival_us
        if track not in self._demands:
            return []
        ear = self._ears.get(track)
        if ear is None or ear.source is not source:
            ear = self._open(source, track, arrival_us)
        verdicts: list[Verdict] = []
        for heard in ear.hear(payload, encoding, arrival_us):
            verdicts += self.pass_time(arrival_us)
            verdicts += self.press(heard.digit, heard.at_us)
        self._messages += 1
        if self._messages % MESSAGES_A_LOOK == 0:
            verdicts += self.pass_time(arrival_us)
        return verdicts

    def leave(self, source: Source) -> None:
        """Take note that a stream has ended: what doesn't come from it isn't silence."""
        for ear in self._ears.values():
            if ear.source is source:
                ear.is_gone = True

    def beep(self, recording_id: str, now_us: int) -> None:
        """Take note that a recording's beep goes out to the party."""
        if recording_id in self._watches:
            self._watches[recording_id].beep_until_us = now_us + BEEP_US

    def press(self, digit: str, at_us: int) -> list[Verdict]:
        """Take a digit, whoever told it."""
        told = [watch.press(digit, at_us) for watch in self._watches.values()]
        return self._ended(told)

    def pass_time(self, now_us: int) -> list[Verdict]:
        """Look who has waited long enough; a stream of the call lives."""
        asked = [
            watch
            for watch in self._watches.values()
            if watch.is_listening and asks_for_voices(watch.options)
        ]
        return self._ended([self._judge(watch, now_us) for watch in asked])

    def _judge(self, watch: Watch, now_us: int) -> Verdict | None:
        ears = [self._ears[track] for track in self._followed(watch)]
        if not ears:
            return self._judge_unheard(watch, now_us)
        if all(ear.is_gone for ear in ears):
            return None
        if watch.from_us is None:
            watch.from_us = min(ear.clock.begin_us(0) for ear in ears)
        sensitivity = watch.options.input_sensitivity
        judged = [ear.judged_us(sensitivity) for ear in ears if not ear.is_mute(now_us)]
        spoken = [self._spoken_until_us(track, watch) for track in self._followed(watch)]
        return watch.judge(
            min(judged, default=now_us),
            max((until_us for until_us in spoken if until_us is not None), default=None),
        )

    def _judge_unheard(self, watch: Watch, now_us: int) -> Verdict | None:
        """Judge for whom none of its tracks has come, though others have: silence, if none comes
        soon."""
        if self._begun_us is None:
            return None
        from_us = self._begun_us if watch.from_us is None else watch.from_us
        if now_us < from_us + PATIENCE_US:
            return None
        watch.from_us = from_us
        return watch.judge(now_us - PATIENCE_US, None)

    def _spoken_until_us(self, track: Track, watch: Watch) -> int | None:
        """Return until when somebody spoke on a track; the recording's own beep is nobody."""
        until_us = self._ears[track].spoken_until_us(watch.options.input_sensitivity)
        if until_us is None or (track is not Track.INBOUND and until_us <= watch.beep_until_us):
            return None
        return until_us

    def _followed(self, watch: Watch) -> Iterator[Track]:
        return (track for track in _FOLLOWED[watch.options.direction] if track in self._ears)

    def _open(self, source: Source, track: Track, arrival_us: int) -> Ear:
        """Return an ear for a track's new stream; what was between the streams is left out."""
        before = self._ears.get(track)
        if before is not None:
            for watch in self._watches.values():
                if track in self._followed(watch):
                    watch.leave_out(before.clock.arrived_us, arrival_us)
        ear = self._ears[track] = Ear(source)
        ear.ask(self._demands[track])
        return ear

    def _ask(self) -> None:
        self._demands = {
            track: demand for track in Track if (demand := self._demand(track)) is not None
        }
        self._ears = {track: ear for track, ear in self._ears.items() if track in self._demands}
        for track, ear in self._ears.items():
            ear.ask(self._demands[track])

    def _demand(self, track: Track) -> Demand | None:
        listening = [watch.options for watch in self._watches.values() if watch.is_listening]
        sensitivities = frozenset(
            options.input_sensitivity
            for options in listening
            if asks_for_voices(options) and track in _FOLLOWED[options.direction]
        )
        digits = track in _PRESSED and any(map(asks_for_digits, listening))
        if not sensitivities and not digits:
            return None
        return Demand(sensitivities=sensitivities, digits=digits)

    def _ended(self, told: Iterable[Verdict | None]) -> list[Verdict]:
        verdicts = [verdict for verdict in told if verdict is not None]
        for verdict in verdicts:
            del self._watches[verdict.recording_id]
            self._over.add(verdict.recording_id)
        if verdicts:
            self._ask()
        return verdicts


def _watch(recording: Recording, opened_us: int) -> Watch:
    began_us = _from_us(recording) or _started_us(recording)
    return Watch(
        recording.recording_id,
        recording.options,
        has_spoken=began_us < opened_us - EARLIER_US,
    )


def _steer(watch: Watch, recording: Recording) -> None:
    """Let a recording's watch do as its state says."""
    if not lifecycle.is_capturing(recording.state):
        watch.pause()
    elif not watch.is_listening:
        counted_us = intervals.shown_us(recording.intervals, _started_us(recording))
        watch.listen(_from_us(recording), counted_us)


def _from_us(recording: Recording) -> int | None:
    return recording.intervals[-1].from_us if recording.intervals else None


def _started_us(recording: Recording) -> int:
    started_at = recording.started_at or recording.created_at
    return round(started_at.timestamp() * 1_000_000)
