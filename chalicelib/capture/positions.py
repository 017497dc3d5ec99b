"""The clock of a stream whose messages tell their positions: RTP, counted samples, timestamps.

Arrival only says when it began: position 0 of the wall clock is that of the least late packet of
the first two seconds, and a baseline follows the sender's clock as in `clock`. A hole is what the
timestamps leave out: silence that wasn't sent, or lost packets, as the numbers say. Timestamps in
milliseconds are rounded: a step within their tolerance is none, and what follows is contiguous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from chalicelib.capture.clock import (
    KNOT_US,
    Baseline,
    ClockedRun,
    Run,
    StreamClock,
    least_lateness_us,
)
from chalicelib.capture.events import Track
from chalicelib.capture.records import StreamHead
from chalicelib.capture.reordering import tolerance
from chalicelib.capture.timeline import Reason


def follow(head: StreamHead, tracks: Mapping[Track, Sequence[Run]]) -> StreamClock:
    """Place the runs of one of a stream's sources, each track's in order of position; at least one.

    Position 0 is the source's earliest sample, whenever that one came.
    """
    zero = min(runs[0].first for runs in tracks.values())
    zero_us = zero * 1_000_000 / head.rate_hz
    arrivals = sorted(
        (run.stored.record.arrived_at_us, run.stored.record.least_lateness_us + zero_us)
        for runs in tracks.values()
        for run in runs
    )
    origin = least_lateness_us(arrivals)
    baseline = Baseline(origin, arrivals[0][0])
    knots = [(round(head.opened_at_us + origin), 0.0)]
    for at_us, lateness_us in arrivals:
        baseline.follow(lateness_us, at_us)
        if at_us - knots[-1][0] >= KNOT_US:
            knots.append((at_us, at_us - head.opened_at_us - baseline.lateness_us))
    return StreamClock(
        origin_us=knots[0][0],
        ended_us=arrivals[-1][0],
        tracks={track: _clocked(runs, zero, head) for track, runs in tracks.items()},
        knots=knots,
        largest_skew_us=0,
    )


def _clocked(runs: Sequence[Run], zero: int, head: StreamHead) -> list[ClockedRun]:
    near = tolerance(head)
    placed = [ClockedRun(runs[0], runs[0].first - zero, Reason.NOT_RECEIVED)]
    for before, run in pairwise(runs):
        end = placed[-1].position + before.samples
        at = run.first - zero
        if near:
            at = max(end, at if at - end > near else end)
        placed.append(ClockedRun(run, at, _reason(before, run)))
    return placed


def _reason(before: Run, run: Run) -> Reason:
    """Return why there is a hole between two runs: lost packets, if they fill half of it."""
    record, number = before.stored.record, run.stored.record.sequence
    if record.last_sequence is None or number is None:
        return Reason.NOT_RECEIVED
    lost = number - record.last_sequence - 1
    hole = run.first - before.first - before.samples
    is_loss = lost > 0 and 2 * lost * record.samples >= hole * record.messages
    return Reason.LOST_MESSAGES if is_loss else Reason.NOT_RECEIVED
