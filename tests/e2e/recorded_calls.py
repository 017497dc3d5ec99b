"""The calls of test_record_call: all at once, on one worker, commanded through the deployed API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import choose_port
from infra.local.receiver import Callback, Receiver, receiving
from infra.local.secret import webhook_secrets
from simulator import sources
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup
from simulator.speech import RATE_HZ
from tests.e2e.stage import Stage, Worker, until

IN, OUT, MIXED = Track.INBOUND, Track.OUTBOUND, Track.MIXED
ASKED_S, COMMANDED_S = 8.0, 22.0
LIMIT_S = 6
"""the `max_length` of a recording that is paused meanwhile"""
SPARED_S = 0.3
"""what media may be late on a machine that does much else"""

SCRIPT = """
version: 1.0.0
sections:
  main:
    - answer: {}
    - record_call: {control_id: stereo, stereo: true}
    - record_call: {control_id: mix}
    - record_call: {control_id: speak, direction: speak}
    - record_call: {control_id: listen, direction: listen, stereo: true}
    - record_call: {control_id: mp3, format: mp3, stereo: 'true', max_length: '300'}
    - record_call: {control_id: mp4, format: mp4, direction: speak}
    - play: {url: 'say:we record'}
"""
"""run before the call streams: six recordings of one call, from its first sample to its last"""


@dataclass(kw_only=True)
class PlayedCalls:
    """What was sent, and what the API answered by name, and when."""

    asked: Report
    mixed: Report
    commanded: Report
    answers: dict[str, tuple[int, dict[str, Any]]]
    times: dict[str, tuple[float, float]]
    """when each was asked and answered; seconds since 1970"""

    def happened(self, name: str, position: int) -> bool:
        """Whether a place of the commanded call was said while a command was under way."""
        said_at = self.commanded.started_at.timestamp() + position / RATE_HZ
        asked_at, answered_at = self.times[name]
        return asked_at - SPARED_S <= said_at <= answered_at + SPARED_S


@dataclass(kw_only=True)
class Desk:
    """A customer who records on request."""

    stage: Stage
    worker: Worker
    own: Receiver
    """a status_url that isn't the profile's"""
    told: dict[str, Any]
    """the instructions of a profile that records on request"""
    played: PlayedCalls | None = None
    ids: dict[str, str] = field(default_factory=dict)
    """of calls, by what they are called here"""
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    times: dict[str, tuple[float, float]] = field(default_factory=dict)

    def call_id(self, name: str) -> str:
        """Return a call's id."""
        if name not in self.ids:
            self.ids[name] = self.stage.fresh(name)
        return self.ids[name]

    def say(self, name: str, path: str, body: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
        """Post JSON, and keep the answer under a name."""
        raw, asked_at = json.dumps(body).encode(), time.time()
        self.answers[name] = self.stage.customer.ask("POST", path, raw)
        self.times[name] = asked_at, time.time()
        return self.answers[name]

    def run_script(self, name: str) -> None:
        """Post the script as YAML."""
        path = f"/v1/calls/{self.call_id(name)}/swml?profile={self.told['profile']}"
        answer = self.stage.customer.ask("POST", path, SCRIPT.encode(), "application/yaml")
        self.answers["script"] = answer

    def recordings(self, name: str) -> dict[str, dict[str, Any]]:
        """Return a call's recordings by control id."""
        path = f"/v1/recordings?call_id={self.call_id(name)}"
        found = self.stage.customer.get(path)["recordings"]
        return {one["control_id"]: one for one in found}

    def await_finished(self, name: str, count: int) -> dict[str, dict[str, Any]]:
        """Return a call's recordings when all have finished, or as they then are."""

        def have_finished() -> bool:
            found = self.recordings(name).values()
            return [one["state"] for one in found] == ["finished"] * count

        until(have_finished, within_s=120)
        return self.recordings(name)

    def heard(self, receiver: Receiver, name: str, control_id: str) -> list[Callback]:
        """Return the callbacks of one recording."""
        found = receiver.of_call(self.call_id(name))
        return [one for one in found if one.body["params"]["control_id"] == control_id]


def open_desk(stage: Stage, parts: ExitStack) -> Desk:
    """Play the calls at once, on a worker that lives as long as `parts`."""
    facts = {"dialect": "bandwidth", "status_url": stage.receiver.url, "record_call": None}
    secrets = webhook_secrets(stage.aws, stage.stack)
    desk = Desk(
        stage=stage,
        worker=parts.enter_context(stage.worker("recorder", choose_port(""), {})),
        own=parts.enter_context(receiving(choose_port(""), secrets, lambda _: None)),
        told=stage.make_profile("on-request", **facts),
    )
    desk.run_script("asked")
    desk.played = asyncio.run(_play(desk))
    return desk


async def _play(desk: Desk) -> PlayedCalls:
    mixed = desk.stage.instructions("signalwire-tap", stereo=True)
    asked = sources.of_speech((IN, OUT), Encoding.PCMU, ASKED_S, seed=3)
    noise = {track: _noise(track) for track in (IN, OUT)}
    calls = [
        _played(desk.worker, desk.told, "bandwidth", desk.call_id("asked"), asked),
        _played(
            desk.worker,
            mixed,
            "signalwire-tap",
            desk.call_id("mixed"),
            sources.of_speech((MIXED,), Encoding.PCMU, 6, seed=4),
        ),
        _played(desk.worker, desk.told, "bandwidth", desk.call_id("commanded"), noise),
    ]
    playing = [asyncio.create_task(play(call)) for call in calls]
    await _command(desk)
    reports = await asyncio.gather(*playing)
    return PlayedCalls(
        asked=reports[0],
        mixed=reports[1],
        commanded=reports[2],
        answers=desk.answers,
        times=desk.times,
    )


async def _command(desk: Desk) -> None:
    """Two recordings of one call, each with its own length, pauses and end."""
    began = asyncio.get_running_loop().time()
    base = f"/v1/calls/{desk.call_id('commanded')}"
    given = {"control_id": "given", "direction": "speak", "status_url": desk.own.url}

    async def at(second: float, name: str, path: str, body: Mapping[str, object]) -> None:
        await asyncio.sleep(max(0.0, began + second - asyncio.get_running_loop().time()))
        await asyncio.to_thread(partial(desk.say, name, base + path, body))

    await at(1.0, "given", "/record_call", given)
    await at(1.0, "again", "/record_call", given)
    await at(1.0, "other options", "/record_call", {**given, "stereo": True})
    await at(1.0, "limited", "/record_call", {"direction": "speak", "max_length": LIMIT_S})
    limited = desk.answers["limited"][1]["record_control_id"]
    await at(4.0, "pause", "/record_call/given/pause", {"behavior": "silence"})
    await at(4.0, "pause limited", f"/record_call/{limited}/pause", {})
    await at(7.0, "resume", "/record_call/given/resume", {})
    await at(7.0, "resume limited", f"/record_call/{limited}/resume", {})
    await at(10.0, "stop", "/stop_record_call", {"control_id": "given"})
    await at(10.0, "stop again", "/stop_record_call", {"control_id": "given"})
    await at(10.0, "pause what is over", "/record_call/given/pause", {})


def _played(
    worker: Worker,
    instructions: Mapping[str, Any],
    dialect: str,
    call_id: str,
    said: Mapping[Track, Iterator[bytes]],
) -> Played:
    return Played(
        dialect=dialect,
        setup=Setup(
            stream_url=worker.at(instructions["stream_url"]),
            call_id=call_id,
            tracks=tuple(said),
            encoding=Encoding.PCMU,
        ),
        sources=said,
        hook_url=instructions["hook_url"],
    )


def _noise(track: Track) -> Iterator[bytes]:
    """Yield frames of which none comes twice."""
    noise = Random(f"record_call {track}")
    return (noise.randbytes(160) for _ in range(round(COMMANDED_S * 50)))
