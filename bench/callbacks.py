"""Callbacks in time, and slow receivers in nobody's way: `make callbacks`, in a local AWS.

Calls of up to ten minutes go through a sink and the deployed stack; they are sent faster than they
would be said. When a state was entered stands in its callback; when the callback came, and when the
carrier hung up, is seen here. Then callbacks are sent to a receiver that drips its answer.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from bench import trust
from bench.dripping import Drip, dripping
from chalicelib.capture.events import Encoding, Track
from infra.local.aws import DeployParameters, deploy, local_aws
from infra.local.customer import Customer, find_recording, make_customer
from infra.local.ports import HOST, choose_port
from infra.local.receiver import Callback, receiving
from infra.local.secret import webhook_secrets
from infra.local.sink import running_sink
from simulator.player import Played, play
from simulator.socket import Setup

LENGTHS_S = (600,) * 6 + (300,) * 4 + (60,) * 6 + (10,) * 8
"""of audio; the promise is for up to ten minutes of WAV"""

SPEED = 2.9
"""the sink takes three times what is said"""

_APART_S = 2.5
"""between one hang-up and the next"""

_SLOW, _BESIDE = 6, 8
"""calls whose receiver drips; calls beside them"""

_SHORT_S = 3.0
_PATIENCE_S = 120.0
_SETTLE_S = 20.0


@dataclass(kw_only=True)
class Seen:
    """What came, and when; seconds since 1970."""

    first: dict[str, tuple[float, Callback]] = field(default_factory=dict)
    """the first attempt of each message, by webhook-id"""
    hung_up: dict[str, float] = field(default_factory=dict)
    """by call"""

    def note(self, callback: Callback) -> None:
        """Note one that comes now."""
        self.first.setdefault(callback.webhook_id, (time.time(), callback))

    def finished_at(self, call_id: str) -> float | None:
        """Return when a call's `finished` came."""
        for came_at, callback in list(self.first.values()):
            if (callback.call_id, callback.state) == (call_id, "finished"):
                return came_at
        return None

    def delays_s(self, calls: Sequence[str]) -> list[float]:
        """Return how long after its state each callback of these calls came, sorted."""
        return sorted(
            came_at - float(callback.body["timestamp"])
            for came_at, callback in self.first.values()
            if callback.call_id in calls
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A deployed recorder with a sink, and its customer."""

    customer: Customer
    sink_port: int
    seen: Seen

    def profile(self, name: str, status_url: str) -> str:
        """Make a profile that records in stereo; return its stream URL at the sink."""
        body = {
            "name": name,
            "dialect": "bandwidth",
            "record_call": {"stereo": True},
            "status_url": status_url,
        }
        self.customer.post("/v1/profiles", body)
        url = self.customer.get(f"/v1/profiles/{name}/instructions")["stream_url"]
        return f"ws://{HOST}:{self.sink_port}{urlsplit(url).path}"

    async def call(self, stream_url: str, call_id: str, seconds: float, after_s: float) -> None:
        """Play a call, and note when it hung up."""
        await asyncio.sleep(after_s)
        speed = SPEED if seconds > _SHORT_S else 1.0
        tracks = (Track.INBOUND, Track.OUTBOUND)
        played = Played(
            dialect="bandwidth",
            setup=Setup(
                stream_url=stream_url, call_id=call_id, tracks=tracks, encoding=Encoding.PCMU
            ),
            sources={track: _frames(seconds, call_id) for track in tracks},
            speed=speed,
        )
        report = await play(played)
        assert report.was_taken, report.sockets
        assert report.ended_at is not None
        self.seen.hung_up[call_id] = report.ended_at.timestamp()

    async def await_finished(self, calls: Sequence[str]) -> None:
        """Wait until each call's `finished` came."""
        begun = time.monotonic()
        while missing := [one for one in calls if self.seen.finished_at(one) is None]:
            if time.monotonic() - begun > _PATIENCE_S:
                raise RuntimeError(f"no `finished` of {missing}")
            await asyncio.sleep(0.5)


def main() -> int:
    """Measure, print, note; return the exit code."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        aws = parts.enter_context(local_aws(folder / "aws"))
        stack = deploy(aws, DeployParameters(sink_url="ws://127.0.0.1:9"))
        sink_port, seen = choose_port(""), Seen()
        parts.enter_context(running_sink(aws.tools.python, sink_port, folder, stack.environment))
        secrets = webhook_secrets(aws, stack)
        receiver = parts.enter_context(receiving(choose_port(""), secrets, seen.note))
        drip = parts.enter_context(dripping())
        customer = make_customer(stack, aws.tools.python)
        place = Place(customer=customer, sink_port=sink_port, seen=seen)
        in_time = asyncio.run(_in_time(place, receiver.url))
        apart = asyncio.run(_apart(place, receiver.url, drip))
    return 0 if in_time and apart else 1


async def _in_time(place: Place, status_url: str) -> bool:
    """Show target 9; tell whether it is reached."""
    url = place.profile("quick", status_url)
    await _warm(place, url)
    calls = {f"call-{number}": float(length) for number, length in enumerate(LENGTHS_S)}
    longest_s = max(LENGTHS_S) / SPEED
    starts = {
        call_id: longest_s - length / SPEED + _APART_S * number
        for number, (call_id, length) in enumerate(calls.items())
    }
    await asyncio.gather(
        *(place.call(url, call_id, calls[call_id], at) for call_id, at in starts.items())
    )
    await place.await_finished(list(calls))
    seen = place.seen
    delays = seen.delays_s(list(calls))
    ends = sorted((seen.finished_at(one) or math.inf) - seen.hung_up[one] for one in calls)
    print(f"{len(calls)} calls of {min(LENGTHS_S)} to {max(LENGTHS_S)} s, {len(delays)} callbacks")
    print(f"  first attempt after the state change: {_shown(delays, 50, 99)}")
    print(f"  hang-up to `finished`: {_shown(ends, 50, 95)}", flush=True)
    is_kept = _of(delays, 50) <= 2 and _of(delays, 99) <= 10
    is_kept &= _of(ends, 50) <= 5 and _of(ends, 95) <= 15
    if is_kept:
        trust.note(
            9,
            "callbacks in time",
            "make callbacks",
            f"{len(delays)} first attempts after the state change: {_shown(delays, 50, 99)}; "
            f"hang-up → `finished` of {len(calls)} calls of up to 10 min of stereo WAV: "
            f"{_shown(ends, 50, 95)}",
        )
    return is_kept


async def _apart(place: Place, status_url: str, drip: Drip) -> bool:
    """Show target 14; tell whether it is reached."""
    quick = place.profile("beside", status_url)
    slow = place.profile("slow", drip.url)
    await _crowd(place, drip)
    alone = [f"alone-{number}" for number in range(_BESIDE)]
    await asyncio.gather(*(place.call(quick, c, _SHORT_S, 0.7 * n) for n, c in enumerate(alone)))
    await place.await_finished(alone)
    slow_ones = [f"slow-{number}" for number in range(_SLOW)]
    playing = [
        asyncio.create_task(place.call(slow, c, _SHORT_S, 0.2 * n)) for n, c in enumerate(slow_ones)
    ]
    await drip.hold(_SLOW, within_s=60)
    held = drip.held
    beside = [f"beside-{number}" for number in range(_BESIDE)]
    await asyncio.gather(*(place.call(quick, c, _SHORT_S, 0.7 * n) for n, c in enumerate(beside)))
    await place.await_finished(beside)
    await asyncio.gather(*playing)
    lasted = await asyncio.to_thread(_lasted_s, place.customer, slow_ones)
    without, with_ = place.seen.delays_s(alone), place.seen.delays_s(beside)
    print(f"{len(lasted)} attempts at a receiver that drips: {lasted[0]:.2f} to {lasted[-1]:.2f} s")
    print(f"  first attempts at another one, by itself: {_shown(without, 50, 100)}")
    print(f"  while the dripping one held {held}: {_shown(with_, 50, 100)}", flush=True)
    more_s = max(_of(with_, p) - _of(without, p) for p in (50, 100))
    is_kept = lasted[-1] <= 15.5 and more_s <= 1
    if is_kept:
        trust.note(
            14,
            "slow or dead receiver",
            "make callbacks",
            f"{len(lasted)} attempts at one that drips its answer: {lasted[-1]:.2f} s at most; "
            f"first attempts at another one meanwhile: {_shown(with_, 50, 100)}, without: "
            f"{_shown(without, 50, 100)}",
        )
    return is_kept


async def _warm(place: Place, url: str) -> None:
    """Play a call that isn't counted: each function's first start takes seconds locally."""
    await place.call(url, "warm", _SHORT_S, 0)
    await place.await_finished(["warm"])


async def _crowd(place: Place, drip: Drip) -> None:
    """Hold as many attempts as there will be at once, then let them go: a process more is there in
    milliseconds on AWS, and here in seconds of both cores."""
    url = place.profile("crowd", drip.patient_url)
    crowd = [f"crowd-{number}" for number in range(_SLOW + _BESIDE // 2)]
    playing = [
        asyncio.create_task(place.call(url, one, _SHORT_S, 0.5 * n)) for n, one in enumerate(crowd)
    ]
    with suppress(TimeoutError):  # on a slow machine the first have gone when the last ones come
        await drip.hold(len(crowd), within_s=30)
    drip.let_go()
    await asyncio.gather(*playing)
    await asyncio.sleep(_SETTLE_S)


def _lasted_s(customer: Customer, calls: Sequence[str]) -> list[float]:
    """Return how long the attempts that ran into their deadline lasted, as events tell, sorted."""
    lasted: list[float] = []
    for call_id in calls:
        for event in _await_deadline(customer, call_id):
            lasted.append(event["detail"]["took_ms"] / 1000)
    return sorted(lasted)


def _await_deadline(customer: Customer, call_id: str) -> list[dict[str, Any]]:
    for _ in range(60):
        recording = find_recording(customer, call_id) or {}
        events = customer.get(f"/v1/recordings/{recording['recording_id']}/events")["events"]
        found = [one for one in events if one.get("detail", {}).get("error") == "deadline"]
        if found:
            return found
        time.sleep(0.5)
    raise RuntimeError(f"no attempt of {call_id} ran into its deadline: {events}")


def _frames(seconds: float, seed: str) -> Iterator[bytes]:
    noise = Random(seed)
    some = [noise.randbytes(160) for _ in range(50)]
    return islice(cycle(some), round(seconds * 50))


def _of(ordered: Sequence[float], percent: int) -> float:
    """Return a percentile by nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _shown(ordered: Sequence[float], *percents: int) -> str:
    names = {100: "most"}
    return ", ".join(f"{names.get(p, f'p{p}')} {_of(ordered, p):.2f} s" for p in percents)


if __name__ == "__main__":
    sys.exit(main())
