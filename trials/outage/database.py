"""Calls on a worker whose database refuses what it asks: they begin, go on and end meanwhile."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import dataclass, field
from itertools import count

from chalicelib.capture.events import Encoding
from infra.local.ports import HOST
from tests.e2e.listening import hear
from tests.e2e.stage import Stage
from trials.chaos.caller import IN, OUT, Call, Caller, Kind
from trials.chaos.slots import Life, Slot, slots
from trials.chaos.verdict import Recorded, judge

_KINDS = (
    Kind(dialect="bandwidth", tracks=(IN, OUT)),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT)),
)
_ENDS_WITHIN_S = 90.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long it lasts. Calls begin every `apart_s`, from two before it on, and last `call_s`."""

    throttled_s: float
    """half of it every request is refused, then two of three"""
    calls: int
    call_s: float
    apart_s: float


@dataclass(slots=True, kw_only=True)
class Found:
    """What came of it."""

    plan: Plan
    refused: int = 0
    """requests"""
    degraded: set[str] = field(default_factory=set)
    samples: int = 0
    faults: list[str] = field(default_factory=list)


def run(stage: Stage, plan: Plan) -> Found:
    """Play calls, throttle, compare every recording with what was sent."""
    found = Found(plan=plan)
    with slots(stage, 1, lambda: 0.0) as (slot,):
        calls = asyncio.run(_play(stage, plan, slot, found))
        for call in calls:
            _compare(stage, call, found)
        found.refused = slot.proxy.faults.throttled
    if not any("database" in one for one in found.degraded):
        found.faults.append("/healthz never said that the database is degraded")
    return found


async def _play(stage: Stage, plan: Plan, slot: Slot, found: Found) -> list[Call]:
    life = await slot.start()
    calls = [
        Call(
            call_id=stage.fresh(f"throttled-{number}"),
            kind=_KINDS[number % len(_KINDS)],
            seconds=plan.call_s,
            encoding=Encoding.PCMU,
        )
        for number in range(plan.calls)
    ]
    for call in calls:
        Caller(stage, call, lambda: [life])  # so that its profile is there
    throttling = asyncio.create_task(_throttle(plan, slot, life, found))
    playing = []
    for call in calls:
        playing.append(asyncio.create_task(Caller(stage, call, lambda: [life]).play(life)))
        await asyncio.sleep(plan.apart_s)
    await asyncio.gather(throttling, *playing)
    return calls


async def _throttle(plan: Plan, slot: Slot, life: Life, found: Found) -> None:
    await asyncio.sleep(2 * plan.apart_s)
    order = count()
    looks = round(plan.throttled_s / _LOOK_S)
    slot.proxy.faults.throttles = lambda: True
    for look in range(looks):
        if look == looks // 2:
            slot.proxy.faults.throttles = lambda: next(order) % 3 > 0
        await asyncio.sleep(_LOOK_S)
        found.degraded.add(await asyncio.to_thread(_degraded, life.port))
    slot.proxy.faults.throttles = lambda: False


def _degraded(port: int) -> str:
    with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=10) as answer:
        return str(json.load(answer)["degraded"])


def _compare(stage: Stage, call: Call, found: Found) -> None:
    shown = stage.await_ended(call.call_id, _ENDS_WITHIN_S)
    if shown.get("state") != "finished":
        found.faults.append(f"{call.call_id} is {shown.get('state')}: {shown.get('reason')}")
        return
    audio = hear(stage.customer.download(shown["url"]))
    verdict = judge(call, [Recorded(shown=shown, heard=audio)])
    found.samples += verdict.sent
    found.faults += verdict.untold
    for name in ("unexplained", "corrupt", "reordered", "duplicated"):
        if samples := getattr(verdict, name):
            found.faults.append(f"{call.call_id}: {samples} samples {name}")
    states = [callback.state for callback in stage.receiver.of_call(call.call_id)]
    if states != ["recording", "finished"]:
        found.faults.append(f"{call.call_id}: its callbacks were {states}")
