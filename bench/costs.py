"""What it costs: every request of whole calls is counted, times AWS's prices.

    python -m bench.costs

Calls are played in real time to the whole recorder over moto, in which all requests are counted:
webhooks, streams, segments, finalization, callbacks, sweeps, and the release of media a week later.
Segments come every few seconds here, so that calls may be short: what each one adds is counted, and
how many a call has follows from the sink's limits. A third run, with other numbers of calls and of
segments, is compared with what the first two let expect.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

from bench import cost_model, prices, trust
from bench.cost_doors import counted_door, hooks_served
from bench.cost_meter import CALL, Charge
from bench.cost_model import IDLE, RECHECKED, RELEASE, SETUP, TAKEOVER, Counted, Model
from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.renditions import MEDIA_KEPT
from chalicelib.services.accounts import profiles
from chalicelib.services.calls import instructions
from chalicelib.services.calls.call_lifecycle import RECHECK
from chalicelib.sink.runtime.limits import Limits
from infra.local.ports import HOST
from simulator.player import Played, play
from simulator.socket import Setup

DIALECTS = ("bandwidth", "signalwire-tap")
LIMIT_USD = 0.50
"""TRUST 1, row 8"""
MINUTES = (5, 15, 60)

_SEGMENT_EVERY_S = 15.0
_SHORT, _LONG, _THIRD = (4, 10.0), (4, 52.0), (8, 38.0)
"""calls and their seconds"""
_RECHECK_AFTER_S = 25.0
_ENDS_WITHIN_S = 60.0
_SUCCESS = 2
"""hundreds of an HTTP status"""
_TRACKS = (Track.INBOUND, Track.OUTBOUND)


def main() -> int:
    """Count, print, note; return 1 where ingest is over its limit."""
    if len(sys.argv) > 1:
        parser = argparse.ArgumentParser()
        parser.add_argument("dialect")
        parser.add_argument("calls", type=int)
        parser.add_argument("seconds", type=float)
        given = parser.parse_args()
        print(json.dumps(counted(given.dialect, given.calls, given.seconds)))
        return 0
    shown = {dialect: _show(dialect, found) for dialect, found in _models().items()}
    told = "; ".join(f"{dialect}: {one.told}" for dialect, one in shown.items())
    figure = f"per hour with {cost_model.LIVE_CALLS:,} calls of {MINUTES[0]} min: {told}"
    trust.note(8, "ingest cost", "make costs", figure)
    return int(max(one.ingest for one in shown.values()) > LIMIT_USD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the shortest calls cost, in $ an hour."""

    ingest: float
    whole: float
    enough_minutes: int
    """the shortest calls of which the whole is within the limit"""
    balancer: float
    transitions: float

    @property
    def told(self) -> str:
        """Return it as the trust page has it."""
        return (
            f"S3 and DynamoDB ${self.ingest:.2f} for ingest, ${self.whole:.2f} for calls' whole"
            f" life (below ${LIMIT_USD:.2f} from {self.enough_minutes} min on), apart load balancer"
            f" ${self.balancer:.2f}, Step Functions ${self.transitions:.2f}"
        )


# --- one run, in a process of its own


def counted(dialect: str, calls: int, seconds: float) -> dict[str, Any]:
    """Play calls; return what was counted, as JSON."""
    from bench.cost_stage import staged  # noqa: PLC0415  # moto, only where it counts

    through: Counter[str] = Counter()
    with staged() as stage, hooks_served(stage.post) as hooks:
        meter = stage.meter
        with meter.phase(SETUP):
            urls = _profile(stage, dialect)
        hook_url = hooks + urlsplit(urls["hook_url"]).path
        with stage.worker(Limits(segment_every_s=_SEGMENT_EVERY_S)):
            began = time.monotonic()
            if seconds > _RECHECK_AFTER_S + 14:
                threading.Timer(_RECHECK_AFTER_S, _recheck, [stage]).start()
            asyncio.run(
                _play(stage, dialect, urls["stream_url"], hook_url, calls, seconds, through)
            )
            _await_ends(stage, calls)
            live_s = time.monotonic() - began
            with meter.phase(IDLE):
                stage.sweep()
        with meter.phase(TAKEOVER):
            stage.sweep()
        with meter.phase(RELEASE):
            stage.sweep(MEDIA_KEPT + timedelta(days=1))
        counts = [[*charge, count] for charge, count in meter.counts.items()]
    return {
        "calls": calls,
        "seconds": seconds,
        "live_s": live_s,
        "counts": counts,
        "wire_bytes": through.total(),
    }


def _profile(stage: Any, dialect: str) -> dict[str, Any]:
    ports, now = stage.ports, datetime.now(UTC)
    body = {
        "name": "front",
        "dialect": dialect,
        "record_call": {"stereo": True},
        "status_url": stage.receiver.url,
    }
    policy = ports.settings.url_policy
    profile = profiles.create_profile(ports.profiles, "main", body, policy, now)
    wish = instructions.parse_wish({})
    return dict(instructions.describe(profile, wish, ports.deployment(), now))


def _recheck(stage: Any) -> None:
    """Sweep as if calls were ten minutes old."""
    with stage.meter.phase_here(RECHECKED):
        stage.sweep(RECHECK)


async def _play(
    stage: Any,
    dialect: str,
    stream_url: str,
    hook_url: str,
    calls: int,
    seconds: float,
    through: Any,
) -> None:
    door = await counted_door(stage.sink_port, through)
    port = door.sockets[0].getsockname()[1]
    url = f"ws://{HOST}:{port}{urlsplit(stream_url).path}"

    async def one(number: int) -> None:
        await asyncio.sleep(0.3 * number)
        setup = Setup(
            stream_url=url,
            call_id=f"c-15ac29a2-1331029c-2cb0-4a07-b215-b22865662d{number:02}",
            tracks=_TRACKS,
            encoding=Encoding.PCMU,
        )
        said = {track: _noise(f"{number} {track}", seconds) for track in _TRACKS}
        report = await play(Played(dialect=dialect, setup=setup, sources=said, hook_url=hook_url))
        for hook in report.hooks:
            if hook.status // 100 != _SUCCESS:
                raise SystemExit(f"{hook.event} was answered {hook.status}")

    await asyncio.gather(*(one(number) for number in range(calls)))
    door.close()


def _noise(seed: str, seconds: float) -> list[bytes]:
    noise = Random(seed)
    return [noise.randbytes(160) for _ in range(round(seconds * 50))]


def _await_ends(stage: Any, calls: int) -> None:
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while stage.finished < calls:
        stage.executions.finish()
        if time.monotonic() > deadline:
            raise SystemExit(f"{stage.finished} of {calls} calls were finished in time")
        time.sleep(0.1)
    stage.executions.finish()


# --- all runs


def _models() -> dict[str, Model]:
    running = {
        (dialect, plan): subprocess.Popen(
            [sys.executable, "-m", "bench.costs", dialect, *map(str, plan)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for dialect in DIALECTS
        for plan in (_SHORT, _LONG, _THIRD)
    }
    runs = {key: _heard(process) for key, process in running.items()}
    found = {}
    for dialect in DIALECTS:
        short, long, third = (runs[dialect, plan] for plan in (_SHORT, _LONG, _THIRD))
        idle = {k: n for k, n in short.counts.items() if k.phase == IDLE}
        found[dialect] = cost_model.model(short, long, idle)
        _compare(dialect, found[dialect], third)
    return found


def _heard(process: subprocess.Popen[str]) -> Counted:
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a run ended with {process.returncode}")
    told = json.loads(said.splitlines()[-1])
    counts = {Charge(*charge): count for *charge, count in told.pop("counts")}
    return Counted(counts=Counter(counts), **told)


def _compare(dialect: str, found: Model, third: Counted) -> None:
    """Print how far a third run is from what the model says of it."""
    expected = cost_model.dollars(
        {k: n for k, n in found.of_call(third.segments).items() if k.phase in (CALL, RELEASE)}
    )
    calls = cost_model.calls_of(third)
    actual = cost_model.dollars({k: n for k, n in calls.items() if k.phase in (CALL, RELEASE)})
    print(
        f"{dialect}: a call with {third.segments:.1f} segments was expected to cost"
        f" {expected * 1e6:.1f} millionths of a dollar, and cost {actual * 1e6:.1f}"
    )


def _show(dialect: str, found: Model) -> Shown:
    """Print a dialect's tables; return what matters of them."""
    hours = {minutes: found.hour(minutes, Limits()) for minutes in MINUTES}
    columns = "".join(f"{f'{minutes} min':>10}" for minutes in MINUTES)
    print(f"\n{dialect}, $ an hour with {cost_model.LIVE_CALLS} calls, calls of{columns}")
    groups = {minutes: cost_model.grouped(units) for minutes, units in hours.items()}
    for group in cost_model.GROUPS:
        _line(group, {minutes: groups[minutes][group] for minutes in MINUTES})
    ingest = {m: sum(groups[m][group] for group in cost_model.INGEST) for m in MINUTES}
    whole = {m: sum(groups[m].values()) for m in MINUTES}
    _line("S3 and DynamoDB: ingest (the first four)", ingest)
    _line("S3 and DynamoDB: all of it", whole)
    for price in (prices.S3_WRITE, prices.S3_READ, prices.WRITE_UNIT, prices.READ_UNIT):
        _line(f"  {price}s", {m: _of(price, hours[m]) for m in MINUTES})
    print("apart:")
    wire_gb = found.wire_bytes_s * 3600 * cost_model.LIVE_CALLS / 1e9
    _line(
        f"load balancer, {wire_gb:.0f} GB", dict.fromkeys(MINUTES, wire_gb * prices.USD[prices.LCU])
    )
    steps = sum(n for k, n in found.a_call.items() if k.price == prices.TRANSITION)
    for price, label in (
        (prices.TRANSITION, f"Step Functions, {steps:.1f} transitions a recording"),
        (prices.API_REQUEST, "API Gateway, webhooks"),
        (prices.INVOCATION, "Lambda, invocations"),
        (prices.GB_SECOND, "Lambda, GB-seconds of CPU (waiting comes on top)"),
        (prices.SIGNATURE, "KMS, a signature a recording"),
        (prices.EVENT, "EventBridge, callbacks"),
    ):
        _line(label, {m: _of(price, hours[m]) for m in MINUTES})
    shortest = MINUTES[0]
    return Shown(
        ingest=ingest[shortest],
        whole=whole[shortest],
        enough_minutes=next(m for m in range(1, 240) if _whole(found, m) <= LIMIT_USD),
        balancer=wire_gb * prices.USD[prices.LCU],
        transitions=_of(prices.TRANSITION, hours[shortest]),
    )


def _whole(found: Model, minutes: float) -> float:
    return cost_model.dollars(found.hour(minutes, Limits()))


def _of(price: str, units: Mapping[Charge, float]) -> float:
    return prices.USD[price] * sum(count for key, count in units.items() if key.price == price)


def _line(label: str, values: Mapping[int, float]) -> None:
    print(f"  {label:<52}" + "".join(f"{value:>10.3f}" for value in values.values()))


if __name__ == "__main__":
    sys.exit(main())
