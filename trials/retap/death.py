"""A worker is killed in the midst of tapped calls; their carrier is asked to tap them elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3

from infra.local.ports import choose_port
from tests.e2e.stage import Stage, Worker, until
from trials.retap.signalwire import FRAME_S, PROJECT, TOKEN, Call, Sent, SignalWire, Tap, signalwire

PROMISED_S = 15.0
DIRECTIONS = ("speak", "listen")
_WITHIN_S = 90.0


@dataclass(slots=True, kw_only=True)
class Death:
    """What became of one death."""

    asked_s: list[float] = field(default_factory=list)
    """from SIGKILL to the carrier's command, of each tap"""
    stored_s: list[float] = field(default_factory=list)
    """from SIGKILL to the first frame of each new stream in S3"""
    hole_s: list[float] = field(default_factory=list)
    """of each track: how long the manifest says that nothing was heard"""
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A deployed recorder, a carrier that it may command, and where that one's taps lead to."""

    stage: Stage
    carrier: SignalWire
    told: dict[str, Any]
    """the instructions of a profile whose secret opens the carrier's API"""
    lead: dict[str, int]
    """the port of the worker that the load balancer leads to"""


@contextmanager
def scene(stage: Stage) -> Iterator[Scene]:
    """Run a carrier until the block ends. Functions keep a secret for five minutes, so one carrier
    has to serve all deaths."""
    lead: dict[str, int] = {}
    with signalwire(lambda uri: f"ws://127.0.0.1:{lead['port']}{urlsplit(uri).path}") as carrier:
        secret = {
            "basic": {"username": PROJECT, "password": TOKEN},
            "api_url": carrier.url,
        }
        client = boto3.client("secretsmanager", **stage.aws.client_options)
        secret_id = stage.fresh("tapedeck/main/retap")
        client.create_secret(Name=secret_id, SecretString=json.dumps(secret))
        told = stage.make_profile(
            "retap",
            dialect="signalwire-tap",
            record_call={"stereo": True},
            status_url=stage.receiver.url,
            secret_id=secret_id,
        )
        yield Scene(stage=stage, carrier=carrier, told=told, lead=lead)


def die(scene: Scene, *, number: int, calls: int, talks_s: float) -> Death:
    """Kill a worker that has so many calls, and one whose party hangs up at that moment."""
    stage, carrier = scene.stage, scene.carrier
    near_port, far_port = choose_port(""), choose_port("")
    scene.lead["port"] = near_port
    with (
        stage.worker(f"killed-{number}", near_port, {}) as near,
        stage.worker(f"living-{number}", far_port, {}),
    ):
        ids = [stage.fresh(f"retap-{number}-{each}") for each in range(calls)]
        live = [_begin(carrier, scene.told, call_id) for call_id in ids]
        gone = _begin(carrier, scene.told, stage.fresh(f"gone-{number}"))
        time.sleep(talks_s)
        scene.lead["port"] = far_port
        killed_s = _kill(near, carrier, gone)
        death = Death()
        again = _await_taps(live, killed_s, death)
        _await_stored(stage, [tap for taps in again.values() for tap in taps], killed_s, death)
        time.sleep(1.0)
        for call in live:
            carrier.hang_up(call.call_id)
        for call in live:
            death.faults += _judge(stage, carrier, call, death)
        death.faults += _judge_gone(carrier, gone)
    return death


def _begin(carrier: SignalWire, told: dict[str, Any], call_id: str) -> Call:
    call = carrier.begin(call_id)
    urls = [url.replace("${call.call_id}", call_id) for url in told["stream_urls"]]
    for direction, uri in zip(DIRECTIONS, urls, strict=True):
        tap = Tap(
            direction=direction,
            uri=uri,
            status_url=told["hook_url"],
            asked_s=time.monotonic(),
        )
        carrier.tap(call, f"tapedeck-{direction}", tap)
    return call


def _kill(near: Worker, carrier: SignalWire, gone: Call) -> float:
    near.process.kill()
    killed_s = time.monotonic()
    carrier.hang_up(gone.call_id)
    return killed_s


def _await_taps(live: Sequence[Call], killed_s: float, death: Death) -> dict[str, list[Tap]]:
    """Return the taps that were asked for after the death, by call."""

    def again() -> dict[str, list[Tap]]:
        return {
            call.call_id: [tap for tap in list(call.taps.values()) if tap.asked_s > killed_s]
            for call in live
        }

    until(lambda: all(len(taps) == len(DIRECTIONS) for taps in again().values()), _WITHIN_S, 0.05)
    for call_id, taps in again().items():
        if len(taps) != len(DIRECTIONS):
            death.faults.append(f"{call_id}: tapped again {len(taps)} times")
        death.asked_s += [tap.asked_s - killed_s for tap in taps]
    return again()


def _await_stored(stage: Stage, taps: Sequence[Tap], killed_s: float, death: Death) -> None:
    """Wait for the first frame of each new stream."""
    client = boto3.client("s3", **stage.aws.client_options)
    bucket = stage.stack.environment["TAPEDECK_MEDIA_BUCKET"]
    waiting, seen = list(taps), set[str]()
    deadline = time.monotonic() + _WITHIN_S
    while waiting and time.monotonic() < deadline:
        for body in _new_objects(client, bucket, seen):
            at_s = time.monotonic()
            found = [tap for tap in waiting if tap.sent and tap.sent[0].payload in body]
            death.stored_s += [at_s - killed_s for _ in found]
            waiting = [tap for tap in waiting if tap not in found]
        time.sleep(0.1)
    death.faults += [f"{tap.uri[-20:]}: nothing stored" for tap in waiting]


def _new_objects(client: Any, bucket: str, seen: set[str]) -> Iterator[bytes]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="journal/"):
        for found in page.get("Contents", ()):
            if found["Key"] not in seen:
                seen.add(found["Key"])
                yield client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()


def _judge(stage: Stage, carrier: SignalWire, call: Call, death: Death) -> list[str]:
    """Return what of a call isn't as promised."""
    faults = []
    recording = stage.await_ended(call.call_id, within_s=90)
    found = stage.customer.get(f"/v1/recordings?call_id={call.call_id}")["recordings"]
    if [one["state"] for one in found] != ["finished"]:
        faults.append(f"{call.call_id}: {[(one['state'], one['reason']) for one in found]}")
        return faults
    if [200, 200] != [status for asked, status in carrier.answers if asked == call.call_id]:
        faults.append(f"{call.call_id}: {carrier.answers}")
    for track, direction in (("inbound", "speak"), ("outbound", "listen")):
        told = [gap for gap in recording["gaps"] if gap["track"] == track]
        holes = [gap for gap in told if gap["reason"] == "reconnect"]
        if len(holes) != 1:
            faults.append(f"{call.call_id} {track}: {told}")
            continue
        hole_s = holes[0]["duration_ms"] / 1000
        death.hole_s.append(hole_s)
        faults += _differs(call, direction, hole_s)
    return faults


def _differs(call: Call, direction: str, hole_s: float) -> list[str]:
    """Compare a hole with what was sent: it ends with the new stream's first frame, and begins a
    worker's last journal object before the last frame of the old one."""
    first, second = (_sent(call, direction, number) for number in (0, 1))
    between_s = (second[0].index - first[-1].index - 1) * FRAME_S
    if between_s - 0.1 <= hole_s <= between_s + 3.0:
        return []
    return [f"{call.call_id} {direction}: a hole of {hole_s} s, {between_s:.2f} s weren't sent"]


def _sent(call: Call, direction: str, number: int) -> list[Sent]:
    taps = [tap for tap in call.taps.values() if tap.direction == direction]
    return taps[number].sent


def _judge_gone(carrier: SignalWire, call: Call) -> list[str]:
    """A call that ended with its worker is asked for in vain, once for each tap."""
    answers = [status for asked, status in carrier.answers if asked == call.call_id]
    return [] if [404, 404] == answers else [f"{call.call_id}: {answers}"]
