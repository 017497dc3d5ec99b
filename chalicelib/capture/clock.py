"""The clock of a stream that tells no time: where its samples belong, from when they arrived.

Samples of a track are contiguous until arrival proves otherwise. Lateness is arrival minus
position. The same lateness after a pause can mean a hole (the carrier sent nothing) or a stall (the
network delivers it all a moment later), so a gap is the least step of lateness in the seconds that
follow, against one baseline for all tracks of the stream. The baseline begins at the least lateness
of the stream's first two seconds, falls with every lower one and rises by 200 ppm at most: it
follows the carrier's clock, and drift alone makes neither gap nor skew.

Steps are measured against the baseline, never against each other: errors don't add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from chalicelib.capture.events import Track
from chalicelib.capture.records import Record, StoredRecord, StreamHead
from chalicelib.capture.timeline import Reason

ORIGIN_WINDOW_US = 2_000_000
STALL_MAX_US = 10_000_000
"""how long a step of lateness must last to be a gap. Two seconds tell a hole from a stall, but not
from jitter: at 60 ms of it, one window of 2 s in six has no message within 15 ms of the least"""
DRIFT = 200e-6
SHORTEST_STEP_US = 15_000
"""what a step must reach to move a track: two tracks stay within 20 ms of each other only if
neither may fall 20 ms behind; a lost frame of 20 ms, less a little jitter, still counts"""
JITTERS = 1.5
"""and so many times what a track's least lateness of a second usually is above the baseline"""
PROOF_US = 1_000_000
"""what a step times the messages that show it must reach: near a track's end, or before its next
hole, few are left; the last one being 60 ms late is a hiccup, 25 of them 40 ms late are a gap"""
FRAME_TOLERANCE_US = 5_000
"""carriers send by a frame clock: a step this close to whole messages is whole messages"""
AGREEMENT_US = 40_000
"""arrival and sequence numbers this close mean the same loss"""
KNOT_US = 10_000_000
_SECOND_US = 1_000_000
_MOST_JITTER_US = 100_000.0
_LEARNED_S = 8


class Run(msgspec.Struct, frozen=True, gc=False):
    """A record, or what of it no other copy gives."""

    stored: StoredRecord
    skip: int
    """samples at its beginning that another copy gives"""
    first: int
    """samples of the track received before"""
    samples: int


class ClockedRun(msgspec.Struct, frozen=True, gc=False):
    """A run in its place."""

    run: Run
    position: int
    """samples since the stream began"""
    reason: Reason
    """of the silence before it, where there is any"""


class StreamClock(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's tracks on the stream's own clock."""

    origin_us: int
    """the wall clock at its position 0"""
    ended_us: int
    """the wall clock when its last run began to arrive"""
    tracks: dict[Track, list[ClockedRun]]
    knots: list[tuple[int, float]]
    """(wall clock, position in µs), at least 10 s apart"""
    largest_skew_us: int


class Baseline:
    """The running minimum of lateness over all tracks of a stream."""

    __slots__ = ("_at_us", "lateness_us")

    def __init__(self, lateness_us: float, at_us: int) -> None:
        self.lateness_us = lateness_us
        self._at_us = at_us

    def follow(self, lateness_us: float, at_us: int) -> None:
        """Take a run's least lateness."""
        risen = self.lateness_us + max(0, at_us - self._at_us) * DRIFT
        self.lateness_us = min(risen, lateness_us)
        self._at_us = max(at_us, self._at_us)


class _Jitter:
    """How far a track's least lateness of a second is usually above the baseline."""

    __slots__ = ("_begun_us", "_least_us", "_seconds", "usual_us")

    def __init__(self) -> None:
        self.usual_us = 0.0
        self._seconds = 0
        self._begun_us = 0
        self._least_us = _MOST_JITTER_US

    @property
    def is_known(self) -> bool:
        return self._seconds >= _LEARNED_S

    def follow(self, excess_us: float, at_us: int) -> None:
        if at_us - self._begun_us >= _SECOND_US:
            if self._begun_us:
                self._seconds = min(self._seconds + 1, _LEARNED_S)
                self.usual_us += (self._least_us - self.usual_us) / self._seconds
            self._begun_us = at_us
            self._least_us = _MOST_JITTER_US
        self._least_us = min(self._least_us, max(0.0, excess_us))


class _TrackClock:
    """One track's runs, and the gaps opened in it so far."""

    __slots__ = (
        "_gaps",
        "_opened_us",
        "_place",
        "_rate_hz",
        "_runs",
        "_stride",
        "clocked",
        "jitter",
    )

    def __init__(self, runs: Sequence[Run], head: StreamHead) -> None:
        self._runs = runs
        self._rate_hz = head.rate_hz
        self._opened_us = head.opened_at_us
        self._stride = _stride(runs)
        self._place = 0
        self._gaps = 0
        self.clocked: list[ClockedRun] = []
        self.jitter = _Jitter()

    def advance(self, baseline_us: float) -> float:
        """Place the next run; return its lateness less the gaps before it."""
        run = self._runs[self._place]
        reason = Reason.NOT_STORED
        step_us = self._proven_step(baseline_us)
        if step_us:
            gap, reason = self._gap(run, step_us)
            self._gaps += gap
        self.clocked.append(ClockedRun(run, run.first + self._gaps, reason))
        self._place += 1
        lateness = run.stored.record.least_lateness_us - self._gaps_us()
        self.jitter.follow(lateness - baseline_us, run.stored.record.arrived_at_us)
        return lateness

    def _gaps_us(self) -> float:
        return self._gaps * 1_000_000 / self._rate_hz

    def _proven_step(self, baseline_us: float) -> float:
        """Return by how much this run and all that soon follow are late; 0: it may be jitter."""
        floor = self._gaps_us() + baseline_us
        enough = max(SHORTEST_STEP_US, JITTERS * self.jitter.usual_us)
        until_us = self._runs[self._place].stored.record.arrived_at_us + STALL_MAX_US
        steps: list[tuple[float, float]] = []
        for place in range(self._place, len(self._runs)):
            record = self._runs[place].stored.record
            if record.arrived_at_us > until_us:
                break
            step = record.least_lateness_us - floor
            if step < enough:
                return 0.0
            steps.append((step, self._prompt_messages(record)))
        else:
            enough *= 2
        least = min(step for step, _ in steps)
        messages = sum(messages for step, messages in steps if step <= 2 * least)
        return least if least >= enough and least * messages >= PROOF_US else 0.0

    def _prompt_messages(self, record: Record) -> float:
        """Return how many messages show a record's least lateness.

        Those of a burst don't, and its end does only if as much again follows: what comes next may
        be a hole, and then nothing tells how late the burst still was.
        """
        frame = record.samples / max(1, record.messages)
        position = record.first_sample + frame
        first_us = record.arrived_at_us - self._opened_us - position * 1e6 / self._rate_hz
        burst = (first_us - record.least_lateness_us) * self._rate_hz / 1e6 / frame
        return max(0.0, record.messages - 2 * burst)

    def _gap(self, run: Run, step_us: float) -> tuple[int, Reason]:
        """Return a gap's length in samples, as exact as what is known allows."""
        record = run.stored.record
        message = record.samples / record.messages if record.messages else 0.0
        message_us = message * 1_000_000 / self._rate_hz
        samples = round(step_us * self._rate_hz / 1_000_000)
        if not message_us:
            return samples, Reason.NOT_RECEIVED
        lost = self._lost_before(run)
        whole = round(step_us / message_us)
        agreed = lost is not None and abs(lost * message_us - step_us) < AGREEMENT_US
        if lost and agreed:
            return round((lost if self._stride == 1 else whole) * message), Reason.LOST_MESSAGES
        if abs(whole * message_us - step_us) <= min(FRAME_TOLERANCE_US, message_us / 4):
            samples = round(whole * message)
        return samples, Reason.NOT_RECEIVED

    def _lost_before(self, run: Run) -> int | None:
        """Return how many messages the carrier's numbers miss before a run; None: unknown."""
        before = self._runs[self._place - 1] if self._place else None
        last = before.stored.record.last_sequence if before else None
        number = run.stored.record.sequence
        if last is None or number is None or not self._stride:
            return None
        return round((number - last) / self._stride) - 1


def _stride(runs: Sequence[Run]) -> int:
    """Return by how much the numbers of a track's messages usually grow; 0: it has none.

    1 where the carrier counts each track, about the number of tracks where it counts the stream.
    """
    steps: Counter[int] = Counter()
    for run in runs:
        record = run.stored.record
        if record.sequence is None or record.last_sequence is None or record.messages < 2:
            continue
        steps[round((record.last_sequence - record.sequence) / (record.messages - 1))] += 1
    return steps.most_common(1)[0][0] if steps else 0


class Origin:
    """The least lateness of a stream's first two seconds: where its baseline begins."""

    __slots__ = ("_until_us", "lateness_us")

    def __init__(self, lateness_us: float, at_us: int) -> None:
        self.lateness_us = lateness_us
        self._until_us = at_us + ORIGIN_WINDOW_US

    def follow(self, lateness_us: float, at_us: int) -> None:
        """Take a run's least lateness, in order of arrival or not."""
        if at_us <= self._until_us:
            self.lateness_us = min(self.lateness_us, lateness_us)


def least_lateness_us(arrivals: Sequence[tuple[int, float]]) -> float:
    """Return a stream's origin from (wall clock, lateness) in order of arrival."""
    (first_us, first), *_ = arrivals
    origin = Origin(first, first_us)
    for at_us, lateness_us in arrivals:
        origin.follow(lateness_us, at_us)
    return origin.lateness_us


def follow(head: StreamHead, tracks: Mapping[Track, Sequence[Run]]) -> StreamClock:
    """Place a stream's runs, each track's in order of their first sample; at least one."""
    arrivals = sorted(
        (run.stored.record.arrived_at_us, track, run.stored.record.least_lateness_us)
        for track, runs in tracks.items()
        for run in runs
    )
    origin = round(least_lateness_us([(at_us, least) for at_us, _, least in arrivals]))
    baseline = Baseline(origin, arrivals[0][0])
    clocks = {track: _TrackClock(runs, head) for track, runs in tracks.items()}
    knots = [(head.opened_at_us + origin, 0.0)]
    skew = 0.0
    for at_us, track, _ in arrivals:
        baseline.follow(clocks[track].advance(baseline.lateness_us), at_us)
        if at_us - knots[-1][0] >= KNOT_US:
            knots.append((at_us, at_us - head.opened_at_us - baseline.lateness_us))
            usual = [clock.jitter.usual_us for clock in clocks.values() if clock.jitter.is_known]
            skew = max([skew, *(most - min(usual) for most in usual)])
    return StreamClock(
        origin_us=head.opened_at_us + origin,
        ended_us=arrivals[-1][0],
        tracks={track: clock.clocked for track, clock in clocks.items()},
        knots=knots,
        largest_skew_us=round(skew),
    )
