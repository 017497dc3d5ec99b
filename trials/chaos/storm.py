"""Calls on three workers that are killed again and again, and what came of all of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from random import Random

from chalicelib.capture.events import Encoding
from tests.e2e.stage import Stage
from trials.chaos import outcome
from trials.chaos.caller import KINDS, Call, Caller
from trials.chaos.functions import FunctionKiller
from trials.chaos.kills import Trap, latencies, traps
from trials.chaos.slots import Life, Slot, slots
from trials.chaos.verdict import Verdict, judge

SLOTS = 3
_TRAP_WITHIN_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of it."""

    seed: int
    kills: int
    calls: int
    function_kills: int
    """of each function"""
    call_s: tuple[float, float] = (8.0, 16.0)
    ends_within_s: float = 200.0
    """all recordings, after the last call"""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was found."""

    plan: Plan
    calls: list[Call] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    moments: Counter[str] = field(default_factory=Counter)
    """kills, by what the worker was doing"""
    function_kills: Counter[str] = field(default_factory=Counter)
    put_s: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    """of recordings, at the end"""
    left: list[str] = field(default_factory=list)
    """recordings that had not ended in time"""
    problems: list[str] = field(default_factory=list)
    took_s: float = 0.0


class Storm:
    """One run of a plan."""

    def __init__(self, stage: Stage, plan: Plan, places: list[Slot]) -> None:
        self._stage = stage
        self._slots = places
        self._random = Random(f"calls {plan.seed}")
        self._traps = traps(Random(f"traps {plan.seed}"))
        self._kinds = cycle(KINDS)
        self._kills_left = plan.kills
        self._playing: list[asyncio.Task[None]] = []
        self.tally = Tally(plan=plan)

    async def rage(self) -> None:
        """Kill as often as planned, while calls go on; return when the last call is over."""
        await asyncio.gather(*(self._reign(slot) for slot in self._slots))
        for slot in self._slots:
            await slot.start()  # who takes over what is left, as ECS's next task would
        await asyncio.gather(*self._playing)

    async def _reign(self, slot: Slot) -> None:
        """Start a worker and calls on it, and kill it, again and again."""
        while self._kills_left > 0:
            self._kills_left -= 1
            life = await slot.start()
            trap = next(self._traps)
            self._begin_calls(life, trap)
            await asyncio.sleep(self._random.uniform(2.5, 6.0))
            if trap is not Trap.ANYTHING:
                await self._wait_for(slot, life, trap)
            slot.kill(Trap.ANYTHING)
            self.tally.moments[life.killed_in] += 1
            await asyncio.sleep(self._random.uniform(0.2, 1.5))

    async def _wait_for(self, slot: Slot, life: Life, trap: Trap) -> None:
        slot.trap = trap
        if trap.needs_end:
            here = [call for call in self.tally.calls if life in call.lives and not call.is_over]
            for call in here[:1]:
                call.hang_up.set()
        deadline_s = time.monotonic() + _TRAP_WITHIN_S
        while life.killed_s is None and time.monotonic() < deadline_s:
            await asyncio.sleep(0.02)

    def _begin_calls(self, life: Life, trap: Trap) -> None:
        plan = self.tally.plan
        is_rtp = self._begin_call(life).kind.dialect == "rtp"
        more = self._random.random() < plan.calls / plan.kills - 1
        # Where RTP goes the API chooses; and a worker whose stream is to end has another one.
        if is_rtp or trap.needs_end or more:
            self._begin_call(life)

    def _begin_call(self, life: Life) -> Call:
        kind = next(self._kinds)
        # A tap's socket doesn't tell its encoding, and without webhooks it is PCMU.
        tells = kind.dialect != "signalwire-tap"
        encodings = [Encoding.PCMU, Encoding.PCMA] if tells else [Encoding.PCMU]
        call = Call(
            call_id=self._stage.fresh(f"chaos-{self.tally.plan.seed}-{len(self.tally.calls)}"),
            kind=kind,
            seconds=self._random.uniform(*self.tally.plan.call_s),
            encoding=self._random.choice(encodings),
        )
        self.tally.calls.append(call)
        caller = Caller(self._stage, call, self._living)
        self._playing.append(asyncio.create_task(caller.play(life)))
        return call

    def _living(self) -> list[Life]:
        return [slot.life for slot in self._slots if slot.life is not None]


def run(stage: Stage, plan: Plan) -> Tally:
    """Play a plan, wait for every recording's end, compare."""
    began_s = time.monotonic()
    with (
        FunctionKiller(stage.aws.folder, plan.function_kills).running() as killer,
        slots(stage, SLOTS, latencies(Random(f"latency {plan.seed}"))) as places,
    ):
        storm = Storm(stage, plan, places)
        asyncio.run(storm.rage())
        tally = storm.tally
        print("the last call is over; its recordings end ...", flush=True)
        tally.left = outcome.await_ended(stage, tally.calls, plan.ends_within_s)
        tally.put_s = [put_s for slot in places for put_s in slot.proxy.faults.put_s]
        tally.function_kills = killer.killed
        for call in tally.calls:
            _compare(stage, tally, call)
    tally.took_s = time.monotonic() - began_s
    return tally


def _compare(stage: Stage, tally: Tally, call: Call) -> None:
    recorded = outcome.recordings(stage, call)
    tally.states.update(one.shown["state"] for one in recorded)
    verdict = tally.verdicts[call.call_id] = judge(call, recorded)
    tally.problems += outcome.problems(stage, call, verdict, recorded)
