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
from chalicelib.capture.record import StoredRecord, StreamHead
from chalicelib.capture.timeline import Reason

ORIGIN_WINDOW_US = 2_000_000
PATIENCE_US = 2_000_000
"""how long a step of lateness must last to be a gap"""
LONGEST_PATIENCE_US = 10_000_000
"""while a burst goes on, patience does too: a stall of 8 s may be caught up at twice the speed"""
DRIFT = 200e-6
SHORTEST_STEP_US = 15_000
"""what a step must reach to move a track: two tracks stay within 20 ms of each other only if
neither may fall 20 ms behind; a lost frame of 20 ms, less a little jitter, still counts"""
PROVEN_MESSAGES = 10
UNPROVEN_STEP_US = 250_000
"""a step with fewer messages after it (the stream's last ones) may be a hiccup: it must be long"""
FRAME_TOLERANCE_US = 5_000
"""carriers send by a frame clock: a step this close to whole messages is whole messages"""
AGREEMENT_US = 40_000
"""arrival and sequence numbers this close mean the same loss"""
_KNOT_US = 10_000_000


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


class _Baseline:
    """The running minimum of lateness over all tracks of a stream."""

    __slots__ = ("_at_us", "lateness_us")

    def __init__(self, lateness_us: float, at_us: int) -> None:
        self.lateness_us = lateness_us
        self._at_us = at_us

    def follow(self, lateness_us: float, at_us: int) -> None:
        risen = self.lateness_us + max(0, at_us - self._at_us) * DRIFT
        self.lateness_us = min(risen, lateness_us)
        self._at_us = max(at_us, self._at_us)


class _TrackClock:
    """One track's runs, and the gaps opened in it so far."""

    __slots__ = ("_gaps", "_last", "_place", "_rate_hz", "_runs", "_stride", "clocked", "skew_us")

    def __init__(self, runs: Sequence[Run], rate_hz: int) -> None:
        self._runs = runs
        self._rate_hz = rate_hz
        self._stride = _stride(runs)
        self._place = 0
        self._gaps = 0
        self._last: Run | None = None
        self.clocked: list[ClockedRun] = []
        self.skew_us = 0.0

    def advance(self, baseline_us: float) -> float:
        """Place the next run; return its lateness less the gaps before it."""
        run = self._runs[self._place]
        lateness = run.stored.record.least_lateness_us - self._gaps_us()
        reason = Reason.NOT_STORED
        if lateness - baseline_us >= SHORTEST_STEP_US:
            step = self._proven_step(baseline_us)
            if step >= SHORTEST_STEP_US:
                gap, reason = self._gap(run, step)
                self._gaps += gap
                lateness -= gap * 1_000_000 / self._rate_hz
            self.skew_us = max(self.skew_us, abs(step - self._rounding(step)))
        self.clocked.append(ClockedRun(run, run.first + self._gaps, reason))
        self._last = run
        self._place += 1
        return lateness

    def _rounding(self, step: float) -> float:
        return step if step >= SHORTEST_STEP_US else 0.0

    def _gaps_us(self) -> float:
        return self._gaps * 1_000_000 / self._rate_hz

    def _proven_step(self, baseline_us: float) -> float:
        """Return the least step in the seconds that follow; 0 where too little follows."""
        begun_us = self._runs[self._place].stored.record.arrived_at_us
        until_us = begun_us + PATIENCE_US
        least: float = self._runs[self._place].stored.record.least_lateness_us
        messages = 0
        for run in self._runs[self._place : self._place + 600]:
            record = run.stored.record
            if record.arrived_at_us > until_us:
                break
            messages += record.messages
            if record.least_lateness_us < least:
                least = record.least_lateness_us
                until_us = min(record.arrived_at_us + PATIENCE_US, begun_us + LONGEST_PATIENCE_US)
        step = least - self._gaps_us() - baseline_us
        return step if messages >= PROVEN_MESSAGES or step >= UNPROVEN_STEP_US else 0.0

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
        last = self._last.stored.record.last_sequence if self._last else None
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


def follow(head: StreamHead, tracks: Mapping[Track, Sequence[Run]]) -> StreamClock:
    """Place a stream's runs, each track's in order of their first sample; at least one."""
    arrivals = sorted(
        (run.stored.record.arrived_at_us, track, run.stored.record.least_lateness_us)
        for track, runs in tracks.items()
        for run in runs
    )
    begun_us = arrivals[0][0]
    origin = min(least for at, _, least in arrivals if at <= begun_us + ORIGIN_WINDOW_US)
    baseline = _Baseline(origin, begun_us)
    clocks = {track: _TrackClock(runs, head.rate_hz) for track, runs in tracks.items()}
    knots = [(head.opened_at_us + origin, 0.0)]
    for at_us, track, _ in arrivals:
        baseline.follow(clocks[track].advance(baseline.lateness_us), at_us)
        if at_us - knots[-1][0] >= _KNOT_US:
            knots.append((at_us, at_us - head.opened_at_us - baseline.lateness_us))
    return StreamClock(
        origin_us=head.opened_at_us + origin,
        ended_us=arrivals[-1][0],
        tracks={track: clock.clocked for track, clock in clocks.items()},
        knots=knots,
        largest_skew_us=round(max(clock.skew_us for clock in clocks.values())),
    )
