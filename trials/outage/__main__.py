"""`make trial NAME=outage`: take S3 away, slow it down, fill the disk, throttle the database.

Exits with 1 if TRUST target 7 fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import trust
from infra.local.aws import local_aws
from tests.e2e.stage import staged
from trials.outage import database, trial
from trials.outage.store import Mood
from trials.outage.trial import MIB, Found, Plan

CALLS = 250
"""a task's (TRUST target 7)"""
PROMISED_S = 3600
DISK_BYTES = 20 * 1000**3

SMALL = {"segment_every_s": 5.0, "held_bytes": 8 * MIB, "metrics_every_s": 1.0}
SLOW = Plan(name="S3 slow", calls=40, moods=[(Mood.SLOW, 20)], limits=SMALL)
FULL = Plan(name="disk full", calls=40, moods=[(Mood.AWAY, 45)], limits=SMALL, loses=True)
FULL_BYTES = 16 * MIB
THROTTLED = database.Plan(throttled_s=60, calls=20, call_s=20, apart_s=3)


def away(calls: int, seconds: float) -> Plan:
    """Return an outage with the worker's own limits; a third of it in each of three ways."""
    ways = (Mood.SILENT, Mood.AWAY, Mood.THROTTLING)
    return Plan(
        name="S3 unreachable",
        calls=calls,
        moods=[(mood, seconds / len(ways)) for mood in ways],
        ramp_s=45,
        steady_s=100,
        limits={"metrics_every_s": 10.0},
    )


def main() -> int:
    """Run all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.outage", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seconds", type=float, default=180)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tapedeck-outage-") as folder:
        unreachable = _shown(trial.run(away(asked.calls, asked.seconds), Path(folder)))
        found = [unreachable, _shown(trial.run(SLOW, Path(folder)))]
        with small_disk(Path(folder)) as (disk, plan):
            found.append(_shown(trial.run(plan, disk)))
        throttled = _throttled(Path(folder))
    faults = [f"{one.plan.name}: {fault}" for one in found for fault in one.faults]
    faults += [f"DynamoDB throttled: {fault}" for fault in throttled.faults]
    faults += _too_large(unreachable)
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    if faults:
        return 1
    if (asked.calls, asked.seconds) == (CALLS, 180):
        _note(unreachable, found[2], throttled)
    return 0


@contextmanager
def small_disk(folder: Path) -> Iterator[tuple[Path, Plan]]:
    """Return a disk of 16 MiB, where we may mount one; else a bound of 16 MiB."""
    disk = folder / "disk"
    disk.mkdir()
    size = f"size={FULL_BYTES}"
    mounting = ["mount", "-t", "tmpfs", "-o", size, "tapedeck-outage", str(disk)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        print("no disk may be mounted here: the spool's own bound is the disk's end")
        limits = {**FULL.limits, "spool_bytes": FULL_BYTES}
        yield disk, Plan(**{**_facts(FULL), "limits": limits})
        return
    try:
        yield disk, FULL
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _facts(plan: Plan) -> dict[str, object]:
    return {name: getattr(plan, name) for name in plan.__slots__}


def _throttled(folder: Path) -> database.Found:
    with local_aws(folder / "aws") as aws, staged(aws, folder) as stage:
        found = database.run(stage, THROTTLED)
    print(
        f"DynamoDB throttled: {THROTTLED.throttled_s:.0f} s, {THROTTLED.calls} calls,"
        f" {found.refused} requests refused; {found.samples / 8000:.0f} s of tracks compared;"
        f" /healthz: {sorted(found.degraded)}",
        flush=True,
    )
    return found


def _shown(found: Found) -> Found:
    plan = found.plan
    ways = ", ".join(f"{mood} {seconds:.0f} s" for mood, seconds in plan.moods)
    print(
        f"{plan.name}: {plan.calls} calls; {ways}\n"
        f"  frames: {found.sent_frames} sent, {found.stored_frames} stored bit for bit,"
        f" {found.lost_frames} told as lost; {found.segments} segments\n"
        f"  memory: {found.usual_bytes / MIB:.0f} MiB before, {found.peak_bytes / MIB:.0f} MiB at"
        f" most since; disk: {found.disk_bytes / 1e6:.0f} MB at most;"
        f" drained in {found.drain_s:.0f} s; the sender was late by {found.late_ms} ms at most\n"
        f"  {found.bytes_per_call_s:.0f} bytes a call and second: 60 min of {CALLS} calls are"
        f" {_promised_bytes(found) / 1e9:.1f} GB\n"
        f"  /healthz: {found.degraded}\n  metrics: {found.told}",
        flush=True,
    )
    return found


def _promised_bytes(found: Found) -> float:
    return found.bytes_per_call_s * CALLS * PROMISED_S


def _too_large(found: Found) -> list[str]:
    needed = _promised_bytes(found)
    return [f"60 min take {needed / 1e9:.1f} GB"] if needed > DISK_BYTES else []


def _note(unreachable: Found, full: Found, throttled: database.Found) -> None:
    more = (unreachable.peak_bytes - unreachable.usual_bytes) / MIB
    promised = _promised_bytes(unreachable) / 1e9
    trust.note(
        7,
        "S3 outage",
        "make trial NAME=outage",
        f"{CALLS} calls, {unreachable.outage_s / 60:.0f} of 60 min unreachable:"
        f" {unreachable.stored_frames} frames stored bit for bit, 0 lost; {more:.0f} MiB more"
        f" memory, {unreachable.disk_bytes / 1e6:.0f} MB on disk, drained in"
        f" {unreachable.drain_s:.0f} s; 60 min would be {promised:.1f} GB."
        f" Disk full: {full.lost_frames} of {full.sent_frames} frames lost, all told. DynamoDB"
        f" throttled {throttled.plan.throttled_s:.0f} s: {throttled.plan.calls} calls, 0 lost",
    )


if __name__ == "__main__":
    sys.exit(main())
