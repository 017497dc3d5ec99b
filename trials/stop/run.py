"""One planned stop: a store, a worker and its carriers, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench.ingest import SENDER_CORE, SINK_CORE, Child
from tests.sink.raw import Raw
from trials.stop.carrier import SLOTS
from trials.stop.frames import Sent
from trials.stop.verdict import Verdict, judge, missing, read

EXIT_WITHIN_S = 110.0
"""TRUST 1, row 4; ECS kills after 120 s"""

GOING_AWAY = 1001


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of it."""

    calls: int
    seconds: float
    """with all calls live, before SIGTERM"""
    seed: int
    grace_s: float = 20.0
    """for which a call stays open whose sockets broke: the default of a deployment"""

    @property
    def ramp_s(self) -> float:
        """In which the calls begin."""
        return max(self.calls / 25, 1.0)

    @property
    def rtp_calls(self) -> int:
        """Calls that come by RTP."""
        return max(self.calls // 10, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What was found."""

    plan: Plan
    verdict: Verdict
    missing: list[str]
    exit_code: int
    took_s: float
    """from SIGTERM to the end of the process"""
    codes: Counter[int]
    """of the closes that sockets got"""
    refused: Counter[int]
    """statuses of those who came after the worker said that it stops"""
    outcome: dict[str, Any]
    late_ms: int
    """the carriers, behind their clock"""

    @property
    def faults(self) -> list[str]:
        """Return what isn't as promised."""
        found = [f"lost: {line}" for line in self.missing]
        if self.verdict.corrupt:
            found.append(f"{self.verdict.corrupt} samples aren't as they were sent")
        if self.exit_code or self.took_s > EXIT_WITHIN_S:
            found.append(f"exit code {self.exit_code} after {self.took_s:.1f} s")
        if set(self.codes) != {GOING_AWAY}:
            found.append(f"closes {dict(self.codes)}")
        if set(self.refused) != {503}:
            found.append(f"who came while it stopped was answered {dict(self.refused)}")
        calls = self.plan.calls
        wanted = {"outcome": calls, "open": 0, "finalizing": calls, "released": True}
        if {**wanted, "lost_bytes": 0} != self.outcome:
            found.append(f"calls: {self.outcome}")
        return found

    @property
    def figure(self) -> str:
        """Return what docs/explanation/trust.md says."""
        return (
            f"{self.plan.calls} calls ({self.plan.rtp_calls} by RTP), two tracks, puts of 120/700"
            f" ms: {self.verdict.lost} of {self.verdict.sent:,} samples sent before SIGTERM lost,"
            f" exit after {self.took_s:.1f} s; {sum(self.refused.values())} newcomers answered 503"
        )

    def __str__(self) -> str:
        return (
            f"{self.figure}\n{self.verdict.afterwards:,} samples sent after SIGTERM are durable,"
            f" too; closes {dict(self.codes)}; carriers late by {self.late_ms} ms at most"
        )


async def run(plan: Plan) -> Stop:
    """Run a plan."""
    with tempfile.TemporaryDirectory(prefix="tapedeck-stop-") as folder:
        return await _run(plan, Path(folder))


async def _run(plan: Plan, folder: Path) -> Stop:
    store = Child(SENDER_CORE, "trials.stop.store", str(folder), f"latency {plan.seed}")
    url = f"http://127.0.0.1:{store.hear('port')['port']}"
    facts = (url, str(plan.rtp_calls), str(plan.grace_s))
    worker = Child(SINK_CORE, "trials.stop.worker", *facts)
    try:
        where = worker.hear("rtp")
        said = _Said(worker)
        carriers = Child(
            SENDER_CORE, "trials.stop.carrier", json.dumps(_orders(plan, where, worker))
        )
        told = await asyncio.to_thread(carriers.hear, "stopped")
        refused = await _come_late(where)
        exit_code = await asyncio.to_thread(worker.process.wait, EXIT_WITHIN_S + 60)
        took_s = time.monotonic() - told["stopped"]
        sent = [Sent(**line) for line in (await asyncio.to_thread(carriers.hear, "lines"))["lines"]]
        carriers.process.wait(30)
    finally:
        worker.process.kill()
        store.end()
    stored = read(folder)
    return Stop(
        plan=plan,
        verdict=judge(sent, stored),
        missing=missing(sent, stored),
        exit_code=exit_code,
        took_s=took_s,
        codes=Counter(one.code for one in sent if not _is_rtp(plan, one)),
        refused=refused,
        outcome=said.outcome(),
        late_ms=told["late_ms"],
    )


def _orders(plan: Plan, where: dict[str, Any], worker: Child) -> dict[str, Any]:
    return {
        **where,
        "pid": worker.process.pid,
        "calls": plan.calls,
        "ramp_s": plan.ramp_s,
        "seconds": plan.seconds,
        "slot": Random(f"slot {plan.seed}").randrange(SLOTS),
    }


def _is_rtp(plan: Plan, line: Sent) -> bool:
    return line.call < plan.rtp_calls


async def _come_late(where: dict[str, Any]) -> Counter[int]:
    """Ask for a socket again and again, from when the worker says that it stops to its end."""
    statuses: Counter[int] = Counter()
    try:
        while await _status(where, "/healthz") != 503:
            await asyncio.sleep(0.02)
        while True:
            statuses[await _status(where, f"/bandwidth/{where['bandwidth']}")] += 1
            await asyncio.sleep(0.1)
    except (OSError, asyncio.IncompleteReadError):
        return statuses


async def _status(where: dict[str, Any], path: str) -> int:
    raw = await Raw.connect(where["port"])
    try:
        return await raw.ask(path)
    finally:
        raw.abort()


class _Said:
    """Reads what a worker logs to its end: a full pipe would stop it."""

    def __init__(self, worker: Child) -> None:
        self._lines: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, args=(worker,), daemon=True)
        self._thread.start()

    def outcome(self) -> dict[str, Any]:
        """Return what it told last."""
        self._thread.join(30)
        return next((line for line in reversed(self._lines) if "outcome" in line), {})

    def _read(self, worker: Child) -> None:
        assert worker.process.stdout is not None
        for text in worker.process.stdout:
            line: dict[str, Any] = json.loads(text)
            if "outcome" in line or line.get("level") in ("warning", "error", "critical"):
                self._lines.append(line)
