"""Rounds in which workers die, freeze, or lose their database, and what becomes of their calls."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.capture.events import Encoding
from infra.local.processes import running
from tests.e2e.stage import Stage
from trials.chaos import outcome
from trials.chaos.caller import IN, OUT, Call, Caller, Kind
from trials.chaos.slots import Life, Slot
from trials.chaos.verdict import judge

LIVING_S, ALONE_S, OUTAGE_S = 60.0, 150.0, 60.0
"""TRUST 3: from a death to the end of its recordings beside a living worker, and by the sweeper"""

SWEEP_EVERY_S = 60.0
"""as the schedule has it"""

_KINDS = (
    Kind(dialect="bandwidth", tracks=(IN, OUT)),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT)),
    Kind(dialect="signalwire-tap", tracks=(IN,)),
)
_CALLS = 6
_TALK_S = 8.0
_LONG_S = 40.0
_TIMEOUT_S = 200.0
_WAKE_WITHIN_S = 30.0


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found."""

    living_s: list[float] = field(default_factory=list)
    """from a death to a recording's last callback, for each call"""
    alone_s: list[float] = field(default_factory=list)
    asleep: int = 0
    """calls whose worker froze, and woke when they were ended"""
    outage: int = 0
    """calls that were recorded whole through an outage"""
    problems: list[str] = field(default_factory=list)


class Rounds:
    """Plays them on two places for workers."""

    def __init__(self, stage: Stage, near: Slot, far: Slot) -> None:
        self._stage = stage
        self._near = near
        self._far = far
        self._number = 0
        self._playing: list[asyncio.Task[None]] = []
        self.findings = Findings()

    async def alone(self, ahead_s: float) -> None:
        """Kill the only worker so long before the next sweep."""
        life = await self._near.start()
        calls = self._begin(life, _CALLS, _LONG_S)
        await asyncio.sleep(_TALK_S)
        self._near.kill("alone")
        sweeping = asyncio.create_task(self._sweep(ahead_s))
        took_s = await self._await_ended(calls, "the sweeper alone")
        self.findings.alone_s += took_s
        sweeping.cancel()
        await self._settle()

    async def beside_a_living_one(self) -> None:
        """Kill one of two workers, and let no sweeper run."""
        life = await self._near.start()
        if self._far.life is None:
            await self._far.start()
        calls = self._begin(life, _CALLS, _LONG_S)
        await asyncio.sleep(_TALK_S)
        self._near.kill("beside a living one")
        self.findings.living_s += await self._await_ended(calls, "a living worker")
        await self._settle()

    async def asleep(self) -> None:
        """Freeze one of two workers until its calls are ended, and see that it moves nothing when
        it wakes, and ends."""
        life = await self._near.start()
        calls = self._begin(life, _CALLS, _LONG_S)
        await asyncio.sleep(_TALK_S)
        os.kill(life.process.pid, signal.SIGSTOP)
        self.findings.living_s += await self._await_ended(calls, "a living worker")
        before = self._told(calls)
        os.kill(life.process.pid, signal.SIGCONT)
        code = await asyncio.to_thread(life.process.wait, _WAKE_WITHIN_S)
        life.killed_s = time.monotonic()
        await self._settle()
        if code != 1:
            self.findings.problems.append(f"a worker that was declared dead ended with {code}")
        if self._told(calls) != before:
            self.findings.problems.append("a worker that was declared dead moved a recording")
        self.findings.asleep += len(calls)

    async def outage(self) -> None:
        """Take the database away from two workers and the sweeper while calls go on, begin, end."""
        near, far = await self._near.start(), self._far.life or await self._far.start()
        proxies = (self._near.proxy, self._far.proxy)
        log = self._stage.folder / "sweeper.log"
        sweeper = running(
            "The sweeper",
            [self._stage.aws.tools.python, "-m", "trials.takeover.sweeper"],
            log=log,
            environment={
                **self._stage.stack.environment,
                "AWS_ENDPOINT_URL": self._far.proxy.url,
            },
        )
        with sweeper:
            calls = self._begin(near, 2, OUTAGE_S + 20) + self._begin(far, 2, OUTAGE_S + 20)
            calls += self._begin(near, 1, OUTAGE_S / 2)
            await asyncio.sleep(4.0)
            for proxy in proxies:
                proxy.faults.database_is_away = True
            await asyncio.sleep(OUTAGE_S / 3)
            calls += self._begin(near, 2, OUTAGE_S) + self._begin(far, 2, OUTAGE_S / 4)
            await asyncio.sleep(OUTAGE_S * 2 / 3)
            for proxy in proxies:
                proxy.faults.database_is_away = False
            await self._settle()
            await self._await_ended(calls, "an outage")
        self._compare_outage(calls, (near, far), log.read_text())

    def _compare_outage(self, calls: Sequence[Call], lives: Sequence[Life], swept: str) -> None:
        problems = self.findings.problems
        for life in lives:
            if life.process.poll() is not None:
                problems.append(f"the outage ended {life.name}")
        done = [json.loads(line) for line in swept.splitlines() if line.startswith("{")]
        if not any("unavailable" in one for one in done):
            problems.append("the sweeper felt no outage")
        if dead := sum(one.get("dead_workers", 0) for one in done):
            problems.append(f"the sweeper declared {dead} dead")
        for call in calls:
            recorded = outcome.recordings(self._stage, call)
            verdict = judge(call, recorded)
            found = outcome.problems(self._stage, call, verdict, recorded)
            if [one.shown["state"] for one in recorded] != ["finished"]:
                found.append(f"{call.call_id}: not one finished recording")
            problems += found
            self.findings.outage += not found

    # --- calls ---

    def _begin(self, life: Life, count: int, seconds: float) -> list[Call]:
        calls = []
        for _ in range(count):
            call = Call(
                call_id=f"takeover-{self._number}",
                kind=_KINDS[self._number % len(_KINDS)],
                seconds=seconds,
                encoding=Encoding.PCMU,
            )
            self._number += 1
            calls.append(call)
            caller = Caller(self._stage, call, lambda: ())
            self._playing.append(asyncio.create_task(caller.play(life)))
        return calls

    async def _settle(self) -> None:
        """Wait until all carriers have hung up."""
        await asyncio.gather(*self._playing)
        self._playing.clear()

    async def _await_ended(self, calls: Sequence[Call], by: str) -> list[float]:
        """Return for each call after how many seconds from now its recordings had ended."""
        began_s = time.monotonic()
        ended_s: dict[str, float] = {}
        while len(ended_s) < len(calls):
            now_s = time.monotonic() - began_s
            for call in calls:
                if call.call_id not in ended_s and not outcome.left(self._stage, call):
                    ended_s[call.call_id] = now_s
            if now_s > _TIMEOUT_S:
                self.findings.problems.append(
                    f"{len(calls) - len(ended_s)} calls never end by {by}"
                )
                break
            await asyncio.sleep(0.1)
        print(f"ended by {by}: " + ", ".join(f"{s:.0f}" for s in ended_s.values()), flush=True)
        return list(ended_s.values())

    async def _sweep(self, first_in_s: float) -> None:
        await asyncio.sleep(first_in_s)
        while True:
            next_s = time.monotonic() + SWEEP_EVERY_S
            await asyncio.to_thread(self._stage.sweep)
            await asyncio.sleep(next_s - time.monotonic())

    def _told(self, calls: Sequence[Call]) -> list[tuple[list[str], list[str]]]:
        """Return the states of calls' recordings, and what callbacks said of them."""
        return [
            (
                [one.shown["state"] for one in outcome.recordings(self._stage, call)],
                [one.webhook_id for one in self._stage.receiver.of_call(call.call_id)],
            )
            for call in calls
        ]
