"""From counted requests to dollars: what 1,000 calls of a length cost in an hour.

What a worker asks for by the clock is a rate; what a call asks for is so much a call and so much a
segment; the sweeper has its part a minute.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bench import prices
from bench.cost_meter import CALL, Charge
from chalicelib.services.calls.call_lifecycle import RECHECK
from chalicelib.services.finalization.read_ahead import MOST_SEGMENTS
from chalicelib.sink.runtime.limits import Limits

LIVE_CALLS = 1000
WORKERS = 4
"""250 calls each"""
SETUP, RECHECKED, IDLE, TAKEOVER, RELEASE = "setup", "recheck", "idle", "takeover", "release"

_BY_CLOCK = frozenset({"journal put", "lease row", "lease query", "mailbox query"})
_EACH_WORKER = frozenset({"journal list"})
_SWEEPS_AN_HOUR = 60
_DATABASES = {prices.S3_READ, prices.S3_WRITE, prices.READ_UNIT, prices.WRITE_UNIT}

JOURNAL, SEGMENTS = "journal", "segments, and their reading"
CLOCKWORK, STREAMS = "leases, mailboxes, sweeps", "rows of calls and streams"
HOOKS, ROWS, CALLBACKS = "rows of webhooks", "rows of recordings", "rows of callbacks"
OUTPUT, RELEASED = "rendition, manifest, proof", "media's release after 7 days"
INGEST = (JOURNAL, SEGMENTS, CLOCKWORK, STREAMS)
GROUPS = (*INGEST, HOOKS, ROWS, CALLBACKS, OUTPUT, RELEASED)

_GROUP_OF = {"journal": JOURNAL, "segments": SEGMENTS, "webhook": HOOKS, "announcement": HOOKS}
_GROUP_OF |= dict.fromkeys(("lease", "mailbox", "index"), CLOCKWORK)
_GROUP_OF |= dict.fromkeys(("call", "stream", "live", "tap"), STREAMS)
_GROUP_OF |= dict.fromkeys(("recording", "history", "profile"), ROWS)
_GROUP_OF |= dict.fromkeys(("rendition.wav", "manifest.json", "proof.json"), OUTPUT)
_GROUP_OF |= {"callback": CALLBACKS, "receiver": CALLBACKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted while some calls were played to one worker."""

    calls: int
    live_s: float
    """with calls"""
    counts: Mapping[Charge, float]
    wire_bytes: int
    """through the load balancer's place, both ways"""
    seconds: float
    """of each call"""

    @property
    def segments(self) -> float:
        """Return how many a call has."""
        return self.counts[Charge(CALL, prices.S3_WRITE, "segments put")] / self.calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Units of each charge, by what they grow with."""

    a_call: Mapping[Charge, float]
    """with as many segments as `segments`"""
    a_segment: Mapping[Charge, float]
    a_worker_s: Mapping[Charge, float]
    segments: float
    wire_bytes_s: float

    def of_call(self, segments: float) -> dict[Charge, float]:
        """Return what a call with so many segments comes to, apart from what goes by the clock."""
        more = segments - self.segments
        found = {key: n + more * self.a_segment.get(key, 0) for key, n in self.a_call.items()}
        if segments > MOST_SEGMENTS:  # runs are shorter: here each index is read by itself
            found |= {k: 2 * n for k, n in found.items() if k.part == "segments get"}
        return found

    def hour(self, minutes: float, limits: Limits) -> dict[Charge, float]:
        """Return an hour's units, with `LIVE_CALLS` calls of so many minutes at any time."""
        units: defaultdict[Charge, float] = defaultdict(float)
        calls = LIVE_CALLS * 60 / minutes
        timed = math.ceil(minutes * 60 / limits.segment_every_s) - 1
        for key, count in self.of_call(self.segments + timed).items():
            units[key] += count * self._times(key, calls, minutes)
        for key, rate in self.a_worker_s.items():
            units[key] += rate * WORKERS * 3600
        return units

    def _times(self, key: Charge, calls: float, minutes: float) -> float:
        if key.phase != RECHECKED:
            return calls
        return calls * math.floor(minutes * 60 / RECHECK.total_seconds())


def model(short: Counted, long: Counted, idle: Mapping[Charge, float]) -> Model:
    """Return the model that two runs with different numbers of segments give; `idle` is what one
    sweep with one worker asked for."""
    one, other = calls_of(short), calls_of(long)
    more = long.segments - short.segments
    a_call, slopes = {}, {}
    for key in one.keys() | other.keys():
        few, many = one.get(key, 0.0), other.get(key, 0.0)
        if key.part.startswith("segments"):
            a_call[key], slopes[key] = few, (many - few) / more
        elif key.phase == RECHECKED:
            a_call[key] = many
        else:  # whether a webhook or its stream comes first is chance
            a_call[key] = (few + many) / 2
    by_clock = {k: n / long.live_s for k, n in long.counts.items() if _is_by_clock(k)}
    for key, count in idle.items():
        workers = 1 if key.part in _EACH_WORKER else 1 / WORKERS
        by_clock[key] = count * workers * _SWEEPS_AN_HOUR / 3600
    return Model(
        a_call=a_call,
        a_segment=slopes,
        a_worker_s=by_clock,
        segments=short.segments,
        wire_bytes_s=long.wire_bytes / long.calls / long.seconds,
    )


def dollars(units: Mapping[Charge, float]) -> float:
    """Return what units cost at S3 and DynamoDB."""
    return sum(prices.USD[k.price] * n for k, n in units.items() if k.price in _DATABASES)


def grouped(units: Mapping[Charge, float]) -> dict[str, float]:
    """Return dollars at S3 and DynamoDB by what they are for."""
    found = dict.fromkeys(GROUPS, 0.0)
    for key, count in units.items():
        if key.price in _DATABASES:
            found[group_of(key)] += prices.USD[key.price] * count
    return found


def group_of(key: Charge) -> str:
    """Return what a charge at S3 or DynamoDB is for; empty for one elsewhere."""
    if key.price not in _DATABASES:
        return ""
    return RELEASED if key.phase == RELEASE else _GROUP_OF[key.part.split()[0]]


def calls_of(counted: Counted) -> dict[Charge, float]:
    """Return what one call came to, apart from what goes by the clock."""
    return {k: n / counted.calls for k, n in counted.counts.items() if _is_a_calls(k)}


def _is_by_clock(key: Charge) -> bool:
    return key.phase == CALL and key.part in _BY_CLOCK


def _is_a_calls(key: Charge) -> bool:
    if key.phase == RECHECKED:
        return group_of(key) not in (CLOCKWORK, JOURNAL)
    return key.phase in (CALL, RELEASE) and not _is_by_clock(key)
