"""`make trial NAME=takeover`: measure how soon a dead worker's calls end.

Also checks that an outage of the database ends no worker's calls. Exits with 1 if the first half of
TRUST target 3 fails.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import boto3

from bench import trust
from infra.local.aws import LocalAws, local_aws
from tests.e2e.stage import Stage, staged
from trials.chaos.kills import latencies
from trials.chaos.report import percentile
from trials.chaos.slots import Slot, slots
from trials.takeover.rounds import ALONE_S, LIVING_S, OUTAGE_S, Findings, Rounds

AHEAD_S = 2.0
"""a worker that dies so long before a sweep isn't suspected by it yet: that is the worst time"""


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.takeover", description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="where logs stay")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="tapedeck-takeover-"))
    print(f"logs: {folder}", flush=True)
    with local_aws(folder / "aws") as aws, staged(aws, folder) as stage:
        _stop_the_schedule(aws)
        findings = _run(stage)
    faults = broken(findings)
    print(shown(findings))
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    if not faults:
        trust.note(3, "a dead worker's calls end", "make trial NAME=takeover", shown(findings))
    return 1 if faults else 0


def shown(findings: Findings) -> str:
    """Return the figures."""
    return (
        f"ended {_times(findings.living_s)} after their worker's death beside a living one,"
        f" {_times(findings.alone_s)} by the sweeper alone; {OUTAGE_S:.0f} s without a database:"
        f" {findings.outage} calls recorded whole, no worker dead; {findings.asleep} calls of a"
        " worker that froze: nothing moved when it woke"
    )


def broken(findings: Findings) -> list[str]:
    """Return every promise that isn't kept."""
    late = [
        f"{took_s:.0f} s from a death to the end {by}, not {most_s:.0f}"
        for by, took, most_s in (
            ("beside a living worker", findings.living_s, LIVING_S),
            ("by the sweeper", findings.alone_s, ALONE_S),
        )
        for took_s in took
        if took_s > most_s
    ]
    if not (findings.living_s and findings.alone_s and findings.asleep and findings.outage):
        late.append("a round found nothing")
    return [*late, *findings.problems]


def _times(took_s: Sequence[float]) -> str:
    ordered = sorted(took_s)
    p50_s, most_s = percentile(ordered, 0.5), percentile(ordered, 1)
    return f"p50 {p50_s:.0f} s, max {most_s:.0f} s ({len(ordered)} calls)"


def _stop_the_schedule(aws: LocalAws) -> None:
    """From here on the sweeper runs when a round says so."""
    client = boto3.client("scheduler", **aws.client_options)
    for schedule in client.list_schedules()["Schedules"]:
        client.delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])


def _run(stage: Stage) -> Findings:
    with slots(stage, 2, latencies(Random("takeover"))) as (near, far):
        return asyncio.run(_play(stage, near, far))


async def _play(stage: Stage, near: Slot, far: Slot) -> Findings:
    rounds = Rounds(stage, near, far)
    await rounds.alone(AHEAD_S)
    await rounds.beside_a_living_one()
    await rounds.asleep()
    await rounds.outage()
    return rounds.findings


if __name__ == "__main__":
    sys.exit(main())
