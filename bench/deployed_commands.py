"""The same commands through the deployed API of a local AWS to a sink, and what was stored.

One call, real time; every command is an HTTP request. What the local AWS takes by itself is
measured beside it: a request that only passes gateway and function, reads and writes of a table.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import boto3

from chalicelib.adapters.dynamodb.recordings import DynamoRecordings
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.capture.events import Encoding, Track
from chalicelib.media.codecs import decode
from chalicelib.recording.model import Recording
from infra.local.aws import DeployedStack, DeployParameters, LocalAws, deploy, local_aws
from infra.local.customer import Customer, find_recording, make_customer
from infra.local.ports import HOST, choose_port
from infra.local.sink import running_sink
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup

CALL = "bench"
_FRAME = 160
_SETTLE_S = 5.0
_ALONE = 40
"""requests that measure the local AWS by itself"""

Show = Callable[[str, Sequence[float]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command: when it was sent, when it was answered; µs since 1970."""

    kind: str
    sent_us: int
    answered_us: int


def measure(rounds: int, show: Show) -> float:
    """Pause and resume a live call so many times; return p95 until it was in effect."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        aws = parts.enter_context(local_aws(folder / "aws"))
        stack = deploy(aws, DeployParameters(sink_url="ws://127.0.0.1:9"))
        port = choose_port("")
        parts.enter_context(running_sink(aws.tools.python, port, folder, stack.environment))
        customer = make_customer(stack, aws.tools.python)
        body = {"name": "bench", "dialect": "bandwidth", "record_call": {"direction": "speak"}}
        customer.post("/v1/profiles", body)
        report, asked = asyncio.run(_play(customer, port, rounds))
        recording = _finished(customer)
        row = _rows(aws, stack).get(recording["recording_id"])
        _show_alone(aws, stack, customer, show)
        _show_stored(report, customer.download(recording["url"]), asked, show)
        return _show_commands(row, asked, show)


async def _play(customer: Customer, port: int, rounds: int) -> tuple[Report, list[Asked]]:
    told = customer.get("/v1/profiles/bench/instructions")
    noise, over = Random(1), asyncio.Event()

    def frames() -> Iterator[bytes]:
        while not over.is_set():
            yield noise.randbytes(_FRAME)

    call = Played(
        dialect="bandwidth",
        setup=Setup(
            stream_url=f"ws://{HOST}:{port}{urlsplit(told['stream_url']).path}",
            call_id=CALL,
            tracks=(Track.INBOUND,),
            encoding=Encoding.PCMU,
        ),
        sources={Track.INBOUND: frames()},
        hook_url=told["hook_url"],
    )
    playing = asyncio.create_task(play(call))
    await asyncio.sleep(_SETTLE_S)
    asked = await asyncio.to_thread(_command, customer, rounds)
    over.set()
    return await playing, asked


def _command(customer: Customer, rounds: int) -> list[Asked]:
    found = find_recording(customer, CALL)
    assert found is not None
    path, random, asked = f"/v1/calls/{CALL}/record_call/{found['control_id']}", Random(2), []
    for number in range(rounds + 1):
        for kind in ("pause", "resume"):
            time.sleep(random.uniform(0.2, 0.5))
            sent_us = time.time_ns() // 1000
            answer = customer.post(f"{path}/{kind}", {})
            assert answer["state"] == {"pause": "paused", "resume": "recording"}[kind], answer
            one = Asked(kind=kind, sent_us=sent_us, answered_us=time.time_ns() // 1000)
            # The first of each starts its function: that is another measurement.
            asked += [one] if number else []
    return asked


def _finished(customer: Customer) -> dict[str, Any]:
    for _ in range(120):
        found = find_recording(customer, CALL)
        if found and found["state"] == "finished":
            return found
        time.sleep(0.5)
    raise RuntimeError(f"the recording didn't finish: {found}")


def _rows(aws: LocalAws, stack: DeployedStack) -> DynamoRecordings:
    client = boto3.client("dynamodb", **aws.client_options)
    table = Table(client, stack.environment["TAPEDECK_CORE_TABLE"])
    return DynamoRecordings(table, lambda: datetime.now(UTC))


def _show_commands(row: Recording, asked: Sequence[Asked], show: Show) -> float:
    """Print how soon each command was in effect, by the recording's intervals."""
    bounds = {
        "pause": [one.to_us for one in row.intervals[1:-1]],
        "resume": [one.from_us for one in row.intervals[2:]],
    }
    in_effect: list[float] = []
    for kind, at in bounds.items():
        ones = [one for one in asked if one.kind == kind]
        times = [((us or 0) - one.sent_us) / 1000 for us, one in zip(at, ones, strict=True)]
        show(f"deployed: {kind} in effect", times)
        show(f"deployed: {kind} answered", [(o.answered_us - o.sent_us) / 1000 for o in ones])
        in_effect += times
    ordered = sorted(in_effect)
    return ordered[len(ordered) * 95 // 100]


def _show_stored(report: Report, audio: bytes, asked: Sequence[Asked], show: Show) -> None:
    """Print how long after each pause's request the last frame that was stored had been sent."""
    with wave.open(io.BytesIO(audio)) as opened:
        heard = opened.readframes(opened.getnframes())
    began_us = report.started_at.timestamp() * 1e6
    payload = bytes(report.tracks[Track.INBOUND].payload)
    stored_us = [
        began_us + at / 8000 * 1e6
        for at in range(0, len(payload), _FRAME)
        # Half a frame is enough to know it by: a pause cuts where it is, not between frames.
        if decode(payload[at : at + _FRAME // 2], Encoding.PCMU) in heard
    ]
    pauses = [one for one in asked if one.kind == "pause"]
    last = [max(us for us in stored_us if us < one.answered_us) - one.sent_us for one in pauses]
    show("deployed: last frame kept after a pause", [us / 1000 for us in last])


def _show_alone(aws: LocalAws, stack: DeployedStack, customer: Customer, show: Show) -> None:
    """Print what the local AWS takes by itself."""
    client = boto3.client("dynamodb", **aws.client_options)
    name = stack.environment["TAPEDECK_CORE_TABLE"]
    key = {"pk": {"S": "bench"}, "sk": {"S": "bench"}}
    show("local AWS: gateway and function alone", _timed(partial(customer.get, "/v1/health")))
    show("local AWS: a write", _timed(partial(client.put_item, TableName=name, Item=key)))
    show("local AWS: a read", _timed(partial(client.get_item, TableName=name, Key=key)))


def _timed(act: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(_ALONE):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    return times[1:]
