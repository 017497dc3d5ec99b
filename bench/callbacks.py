"""Callbacks in time, and slow receivers in nobody's way: `make callbacks`, in a local AWS.

Calls of up to ten minutes go through a sink and the deployed stack; they are sent faster than they
would be said. When a state was entered stands in its callback; when the callback came, and when the
carrier hung up, is seen here. Before that, attempts at a receiver that drips its answer.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import cycle, islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from bench import trust
from bench.dripping import dripping
from chalicelib.adapters.http.sender import GuardedSender
from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.outbox import OutboxRow
from chalicelib.security.url_guard import UrlPolicy
from chalicelib.services.delivery import deliver
from infra.local.aws import DeployParameters, deploy, local_aws
from infra.local.customer import Customer, make_customer
from infra.local.ports import HOST, choose_port
from infra.local.receiver import Callback, receiving
from infra.local.secret import webhook_secrets
from infra.local.sink import running_sink
from simulator.player import Played, play
from simulator.socket import Setup
from tests.fakes import FakeCore, FakeEventBus

LENGTHS_S = (600,) * 6 + (300,) * 4 + (60,) * 6 + (10,) * 8
"""of audio; the promise is for up to ten minutes of WAV"""

SPEED = 2.9
"""the sink takes three times what is said"""

_APART_S = 2.5
"""between one hang-up and the next"""

_SLOW, _BESIDE = 100, 50
"""attempts at a receiver that drips; attempts beside them"""

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # the specification's example
_LOCAL = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))

_SHORT_S = 3.0
_TIMEOUT_S = 120.0


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
            if time.monotonic() - begun > _TIMEOUT_S:
                raise RuntimeError(f"no `finished` of {missing}")
            await asyncio.sleep(0.5)


def main() -> int:
    """Measure, print, note; return the exit code."""
    apart = _apart()
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        aws = parts.enter_context(local_aws(folder / "aws"))
        stack = deploy(aws, DeployParameters(sink_url="ws://127.0.0.1:9"))
        sink_port, seen = choose_port(""), Seen()
        parts.enter_context(running_sink(aws.tools.python, sink_port, folder, stack.environment))
        secrets = webhook_secrets(aws, stack)
        receiver = parts.enter_context(receiving(choose_port(""), secrets, seen.note))
        customer = make_customer(stack, aws.tools.python)
        place = Place(customer=customer, sink_port=sink_port, seen=seen)
        in_time = asyncio.run(_in_time(place, receiver.url))
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


def _apart() -> bool:
    """Show target 14; tell whether it is reached.

    All attempts in one process, which is harder on them than a Lambda process each: that a local
    AWS starts in seconds, and its cold starts would be all that is seen.
    """
    core, port = FakeCore(), choose_port("")
    with dripping() as drip, receiving(port, [_SECRET], lambda _: None) as receiver:
        slow = [_owed(core, f"slow-{number}", drip.url) for number in range(_SLOW)]
        alone = [_owed(core, f"alone-{number}", receiver.url) for number in range(_BESIDE)]
        beside = [_owed(core, f"beside-{number}", receiver.url) for number in range(_BESIDE)]
        without = sorted(_attempted_s(core, row) for row in alone)
        with ThreadPoolExecutor(_SLOW) as threads:
            lasting = [threads.submit(_attempted_s, core, row) for row in slow]
            asyncio.run(drip.hold(_SLOW, within_s=10))
            with_ = sorted(_attempted_s(core, row) for row in beside)
            held = drip.held
            lasted = sorted(attempt.result() for attempt in lasting)
    taken = sum(row.delivered_at is not None for row in core.store.outbox.values())
    print(f"{_SLOW} attempts at a receiver that drips: {lasted[0]:.2f} to {lasted[-1]:.2f} s")
    print(f"  attempts at another one, by itself: {_shown(without, 50, 100)}")
    print(f"  while the dripping one held {held}: {_shown(with_, 50, 100)}", flush=True)
    is_kept = lasted[-1] <= 15.5 and with_[-1] - without[-1] <= 1
    is_kept &= (held, taken) == (_SLOW, 2 * _BESIDE)
    if is_kept:
        trust.note(
            14,
            "slow or dead receiver",
            "make callbacks",
            f"{_SLOW} attempts at once at one that drips its answer: {lasted[-1]:.2f} s at most; "
            f"{_BESIDE} at another one meanwhile: {_shown(with_, 50, 100)}, without: "
            f"{_shown(without, 50, 100)}",
        )
    return is_kept


def _owed(core: FakeCore, recording_id: str, url: str) -> OutboxRow:
    row = OutboxRow(
        recording_id=recording_id,
        number=1,
        webhook_id=f"msg_{recording_id}_1",
        state="finished",
        url=url,
        body=json.dumps({"event_type": "calling.call.record"}),
        created_at=datetime.now(UTC),
    )
    core.store.outbox[recording_id, 1] = row
    return row


def _attempted_s(core: FakeCore, row: OutboxRow) -> float:
    """Make an attempt, and return how long it took."""
    begun = time.monotonic()
    deliverer = deliver.Deliverer(
        outbox=core.outbox,
        history=core.history,
        receivers=core.receivers,
        sender=GuardedSender(_LOCAL),
        bus=FakeEventBus(),
        secrets=lambda: [_SECRET],
        now=lambda: datetime.now(UTC),
        jitter=lambda: 0.5,
        wait_scale=1.0,
    )
    deliverer.attempt(row.recording_id, row.webhook_id)
    return time.monotonic() - begun


async def _warm(place: Place, url: str) -> None:
    """Play a call that isn't counted: each function's first start takes seconds locally."""
    await place.call(url, "warm", _SHORT_S, 0)
    await place.await_finished(["warm"])


def _frames(seconds: float, seed: str) -> Iterator[bytes]:
    noise = Random(seed)
    some = [noise.randbytes(160) for _ in range(50)]
    return islice(cycle(some), round(seconds * 50))


def _of(ordered: Sequence[float], percent: int) -> float:
    """Return a percentile by nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _shown(ordered: Sequence[float], *percents: int) -> str:
    names = {100: "most"}
    return ", ".join(f"{names.get(p, f'p{p}')} {_time(_of(ordered, p))}" for p in percents)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
