"""One outage of the store under load, and what came of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ingest import SENDER_CORE, SINK_CORE, Child, get
from trials.outage.frames import FRAME_BYTES, TRACKS
from trials.outage.store import Mood
from trials.outage.watch import Watch

MIB = 1024 * 1024
MEMORY_MORE_MAX = 256 * MIB
"""TRUST target 7"""
_DRAIN_WITHIN_S = 300.0
_END_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens."""

    name: str
    calls: int
    moods: Sequence[tuple[Mood, float]]
    """how the store is, and for how many seconds"""
    ramp_s: float = 5.0
    steady_s: float = 6.0
    """all calls are there, and all is well"""
    limits: Mapping[str, float] = field(default_factory=dict)
    """where they aren't the usual ones"""
    loses: bool = False
    """there is less room than is needed"""


@dataclass(slots=True, kw_only=True)
class Found:
    """What was measured, and what isn't as promised."""

    plan: Plan
    sent_frames: int = 0
    stored_frames: int = 0
    lost_frames: int = 0
    usual_bytes: int = 0
    """most resident memory before the outage"""
    peak_bytes: int = 0
    """and from its beginning on"""
    disk_bytes: int = 0
    """most"""
    outage_s: float = 0.0
    drain_s: float = 0.0
    segment_bytes: int = 0
    """of all segments"""
    segments: int = 0
    late_ms: int = 0
    """of the sender"""
    degraded: list[str] = field(default_factory=list)
    """what /healthz said, each once"""
    told: list[str] = field(default_factory=list)
    """what the metrics' lines said"""
    faults: list[str] = field(default_factory=list)

    @property
    def bytes_per_call_s(self) -> float:
        """Return what a second of a call takes as stored objects."""
        return self.segment_bytes / (self.stored_frames / len(TRACKS) * 0.02)


def run(plan: Plan, folder: Path) -> Found:
    """Play a plan; the spool is in `folder`."""
    found = Found(plan=plan)
    with _processes(plan, folder) as (store, door, sink, where):
        watch = Watch(sink, where["port"])
        watch.begin()
        sender = Child(
            SENDER_CORE,
            "trials.outage.sender",
            f"--port={where['port']}",
            f"--path={where['path']}",
            f"--calls={plan.calls}",
            f"--ramp={plan.ramp_s}",
        )
        began_s = time.monotonic()
        sender.hear("phase")
        time.sleep(plan.steady_s)
        away_s = time.monotonic()
        for mood, seconds in plan.moods:
            get(door, f"/be/{mood}")
            time.sleep(seconds)
        get(door, f"/be/{Mood.WELL}")
        back_s = time.monotonic()
        if not _wait(lambda: _is_drained(watch, plan), _DRAIN_WITHIN_S):
            found.faults.append(f"after {_DRAIN_WITHIN_S:.0f} s: {watch.latest()}")
        found.outage_s, found.drain_s = back_s - away_s, time.monotonic() - back_s
        sender.say()
        ended = sender.hear("phase")
        if not _wait(lambda: not get(where["port"], "/healthz")["calls"], _END_WITHIN_S):
            found.faults.append("calls didn't end")
        watch.end()
        usual = watch.since(began_s, away_s)
        found.usual_bytes = max(one.resident_bytes for one in usual)
        found.peak_bytes = max(one.resident_bytes for one in watch.since(away_s))
        found.disk_bytes = max(one.disk_bytes for one in watch.since(away_s))
        found.degraded = _each_once(one.degraded for one in watch.since(away_s))
        if code := sink.end():
            found.faults.append(f"the sink ended with {code}")
        _compare(found, ended, get(door, "/"))
        _listen(found, watch)
        store.end()
    return found


@contextmanager
def _processes(plan: Plan, folder: Path) -> Iterator[tuple[Child, int, Child, dict[str, Any]]]:
    store = Child(SENDER_CORE, "trials.outage.store")
    ports = store.hear("port")
    url = f"http://127.0.0.1:{ports['port']}"
    sink = Child(SINK_CORE, "trials.outage.sink", url, json.dumps(dict(plan.limits)), str(folder))
    try:
        yield store, ports["door"], sink, sink.hear("path")
    finally:
        for child in (sink, store):
            child.process.kill()
            child.process.wait()


def _each_once(said: Iterable[str]) -> list[str]:
    """Return what was said, without the numbers that grow."""
    return list(dict.fromkeys(re.sub(r"dropped \d+ bytes", "dropped bytes", one) for one in said))


def _is_drained(watch: Watch, plan: Plan) -> bool:
    now = watch.latest()
    healthy = not now.degraded or (plan.loses and now.degraded.startswith("dropped"))
    return healthy and not now.disk_bytes


def _wait(is_so: Any, within_s: float) -> bool:
    until_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until_s:
            return False
        time.sleep(0.25)
    return True


def _compare(found: Found, ended: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Hold what the store was given against what was sent."""
    found.late_ms = ended["late_ms"]
    found.segment_bytes, found.segments = given["segments bytes"], given["segments objects"]
    found.faults += given["faults"]
    for call, sent in ended["sent"].items():
        for track in TRACKS:
            stored, lost = given["tracks"].get(f"main/bandwidth/{call} {track}", (0, 0))
            found.sent_frames += sent
            found.stored_frames += stored
            found.lost_frames += lost
            if stored + lost != sent:
                found.faults.append(
                    f"{call} {track}: {sent} frames sent, {stored} stored, {lost} told as lost"
                )
    if bool(found.lost_frames) != found.plan.loses:
        found.faults.append(f"{found.lost_frames} frames lost")


def _listen(found: Found, watch: Watch) -> None:
    """Hold what the sink said of itself against what happened."""
    found.faults += watch.failures
    found.told = _each_once(one["degraded"] for one in watch.metrics if one["Degraded"])
    lost_bytes = sum(one["LostBytes"] for one in watch.metrics)
    if lost_bytes != found.lost_frames * FRAME_BYTES:
        found.faults.append(f"LostBytes say {lost_bytes}, {found.lost_frames} frames are lost")
    if not any(found.degraded):
        found.faults.append("/healthz never said degraded")
    if not found.told:
        found.faults.append("the metrics never said Degraded")
    if found.disk_bytes and not max(one["WaitingBytes"] for one in watch.metrics):
        found.faults.append("WaitingBytes were never told")
    if found.peak_bytes - found.usual_bytes > MEMORY_MORE_MAX:
        found.faults.append(f"{(found.peak_bytes - found.usual_bytes) / MIB:.0f} MiB more memory")
