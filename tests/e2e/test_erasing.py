"""Discarded, unheard and deleted: searched for in everything that a deployment holds.

A worker that goes on with other calls has them all, and the sweeper runs every twenty seconds
instead of sixty.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.media import codecs
from infra.local.ports import choose_port
from simulator import sources
from simulator.player import Played, play
from simulator.socket import Setup
from tests.e2e.listening import hear, hear_compressed, likeness
from tests.e2e.stage import Stage, Worker, until
from tests.e2e.stored import erased_at, holding

pytestmark = pytest.mark.e2e

IN = Track.INBOUND
SECONDS = {"discarded": 40, "shared": 45, "unheard": 8, "deleted": 6, "surviving": 600}
OPTIONS: dict[str, dict[str, object]] = {"unheard": {"initial_timeout": 2}}
OTHER_AT_S = 5.0
SPARED = 50
"""frames; what is under way when a command is given or answered"""
WITHIN_S = 180


@dataclass(kw_only=True)
class Call:
    """A call that is played, and the frames that went out so far."""

    name: str
    call_id: str
    sent: list[bytes] = field(default_factory=list)

    def frames(self) -> Iterator[bytes]:
        """Yield what the party says: a voice, or hardly anything."""
        for frame in islice(self._sound(), SECONDS[self.name] * 50):
            self.sent.append(frame)
            yield frame

    def _sound(self) -> Iterable[bytes]:
        seed = sorted(SECONDS).index(self.name)
        if self.name == "unheard":
            quiet = Random(self.call_id)
            return iter(lambda: bytes(quiet.choices(b"\xff\x7f\xfe\x7e\xfd\x7d", k=160)), b"")
        voice = sources.of_speech((IN,), Encoding.PCMU, float(SECONDS[self.name]), seed)[IN]
        hiss = Random(self.call_id)
        # A voice comes round again, even to another call: each frame's lowest bits don't.
        return (
            bytes(a ^ b for a, b in zip(one, hiss.choices((0, 1), k=160), strict=True))
            for one in voice
        )

    @property
    def pcm(self) -> bytes:
        """Return all that was sent, decoded."""
        return codecs.decode(b"".join(self.sent), Encoding.PCMU)


@dataclass(kw_only=True)
class Scene:
    """The calls on one worker, and what their customer does meanwhile."""

    stage: Stage
    worker: Worker
    calls: dict[str, Call]
    answers: dict[str, int] = field(default_factory=dict)
    times: dict[str, tuple[int, int]] = field(default_factory=dict)
    """how many frames of its call were sent when a command was given, and when it was answered"""
    audio: dict[str, bytes] = field(default_factory=dict)

    async def run(self, folder: Path) -> None:
        """Play; discard; delete; sweep until all is erased; then let the last call end."""
        playing = {name: asyncio.create_task(self.play(name)) for name in SECONDS}
        deleting = asyncio.create_task(self.delete_after(playing["deleted"]))
        await asyncio.sleep(OTHER_AT_S)
        await self.post("record_call", "shared", "record_call", {"control_id": "other"})
        await asyncio.sleep(3)
        for name in ("discarded", "shared"):
            control_id = (await asyncio.to_thread(self.recordings, name))[-1]["control_id"]
            await self.post(f"discard {name}", name, f"record_call/{control_id}/discard", {})
        await asyncio.gather(deleting, *(playing[name] for name in SECONDS if name != "surviving"))
        await asyncio.to_thread(self.keep_other)
        await asyncio.to_thread(self.sweep)
        playing["surviving"].cancel()
        await asyncio.gather(playing["surviving"], return_exceptions=True)

    async def delete_after(self, playing: asyncio.Task[None]) -> None:
        """Delete the recording of a call when it is over: the others go on meanwhile."""
        await playing
        await asyncio.to_thread(self.delete)

    async def play(self, name: str) -> None:
        """Play a call in real time."""
        told = self.stage.instructions("bandwidth", direction="speak", **OPTIONS.get(name, {}))
        setup = Setup(
            stream_url=self.worker.at(told["stream_url"]),
            call_id=self.calls[name].call_id,
            tracks=(IN,),
            encoding=Encoding.PCMU,
        )
        frames = self.calls[name].frames()
        await play(Played(dialect="bandwidth", setup=setup, sources={IN: frames}))

    async def post(self, key: str, name: str, path: str, body: dict[str, object]) -> None:
        """Command a live call."""
        raw = json.dumps(body).encode()
        call = self.calls[name]
        where, sent = f"/v1/calls/{call.call_id}/{path}", call.sent
        asked = len(sent)
        self.answers[key], _ = await asyncio.to_thread(self.stage.customer.ask, "POST", where, raw)
        self.times[key] = asked, len(sent)

    def told(self, name: str, begin: int = 0, end: int | None = None) -> list[bytes]:
        """Return every third frame of a stretch of a call: nothing is stored by fewer."""
        return self.calls[name].sent[begin:end:3]

    def recordings(self, name: str) -> list[dict[str, Any]]:
        """Return a call's recordings, newest first."""
        path = f"/v1/recordings?call_id={self.calls[name].call_id}"
        found: list[dict[str, Any]] = self.stage.customer.get(path)["recordings"]
        return found

    def delete(self) -> None:
        """Have the finished recording in every format, then delete it."""
        customer, path = self.stage.customer, self._path("deleted")
        self.audio["wav"] = customer.download(f"{customer.api_url}{path}/download")
        for format_ in ("mp3", "mp4"):
            status, _ = customer.ask("GET", f"{path}/download?format={format_}")
            self.answers[f"{format_} before"] = status
            self.audio[format_] = self._made(path, format_)
        self.answers["delete"], _ = customer.ask("DELETE", path)
        self.answers["get"], _ = customer.ask("GET", path)
        self.answers["download"], _ = customer.ask("GET", f"{path}/download")

    def keep_other(self) -> None:
        """Take what the other recording of the shared call says before it is redacted."""
        customer, path = self.stage.customer, self._path("shared")
        self.audio["other"] = customer.download(f"{customer.api_url}{path}/download")

    def remake_other(self) -> None:
        """Have another format made of what was left of the shared call."""
        self.audio["other mp3"] = self._made(self._path("shared"), "mp3")

    def sweep(self) -> None:
        """Sweep every twenty seconds until all four are erased."""

        def is_done() -> bool:
            self.stage.sweep()
            erased = self.erased()
            return len(erased) == 4 and all(done for _, done in erased.values())

        assert until(is_done, within_s=WITHIN_S + 30, every_s=20), self.erased()

    def erased(self) -> dict[str, tuple[str, str]]:
        """Return when each erasure of these calls' recordings was asked for, and done."""
        return erased_at(self.stage, {call.call_id for call in self.calls.values()})

    def _path(self, name: str) -> str:
        assert until(lambda: self.recordings(name)[0]["state"] == "finished", within_s=60)
        return f"/v1/recordings/{self.recordings(name)[0]['recording_id']}"

    def _made(self, path: str, format_: str) -> bytes:
        customer = self.stage.customer
        body = json.dumps({"format": format_}).encode()
        self.answers[format_], _ = customer.ask("POST", f"{path}/renditions", body)
        assert until(lambda: customer.get(path)["making"] is None, within_s=60)
        return customer.download(f"{customer.api_url}{path}/download?format={format_}")


def _late(erased: Sequence[tuple[str, str]]) -> list[float]:
    """Return how long erasures took that took too long, in seconds."""
    took = [datetime.fromisoformat(done) - datetime.fromisoformat(at) for at, done in erased]
    return [each.total_seconds() for each in took if each.total_seconds() > WITHIN_S]


def test_what_is_erased_is_nowhere_and_the_rest_is_whole(stage: Stage, tmp_path: Path) -> None:
    """Within three minutes no object, row or log holds it; others are there bit for bit."""
    with stage.worker("erasing", choose_port(""), {}) as worker:
        calls = {name: Call(name=name, call_id=stage.fresh(name)) for name in SECONDS}
        scene = Scene(stage=stage, worker=worker, calls=calls)
        asyncio.run(scene.run(tmp_path))
        gone = [
            *scene.told("discarded"),
            *scene.told("unheard"),
            *scene.told("deleted"),
            *scene.told("shared", end=scene.times["record_call"][0] - SPARED),
        ]
        left = scene.told("shared", scene.times["discard shared"][1] + SPARED, -SPARED)
        assert len(gone) > 900
        assert [] == holding(stage, worker, gone)
        (segment,) = [name for name in holding(stage, worker, left) if "segments/" in name]
        assert "shared" in segment
        assert [] == _late(list(scene.erased().values()))
        scene.remake_other()
        survivor = stage.await_ended(calls["surviving"].call_id, within_s=90)

    assert {"record_call": 201, "discard discarded": 200, "discard shared": 200} | {
        "mp3 before": 404,
        "mp4 before": 404,
        "mp3": 202,
        "mp4": 202,
        "delete": 204,
        "get": 404,
        "download": 404,
    } == scene.answers
    states = {
        name: [callback.state for callback in stage.receiver.of_call(call.call_id)]
        for name, call in calls.items()
    }
    assert ["recording", "error"] == states["discarded"]
    assert ["recording", "no_input"] == states["unheard"]
    assert ["recording", "finished"] == states["deleted"]
    _hear_the_rest(stage, scene, survivor, tmp_path)


def _hear_the_rest(stage: Stage, scene: Scene, survivor: dict[str, Any], folder: Path) -> None:
    """Every format says what was said; what shared a worker, or a call, with the rest is whole."""
    audio, calls = scene.audio, scene.calls
    wav = hear(audio["wav"]).channels[0]
    assert calls["deleted"].pcm.startswith(wav[:-1600])
    for format_ in ("mp3", "mp4"):
        heard = hear_compressed(audio[format_], folder, format_, 1)
        assert abs(heard.samples - len(wav) // 2) <= 160
        assert likeness(heard.channels[0], wav) > 0.9
    other = hear(audio["other"]).channels[0]
    assert other[1600:-1600] in calls["shared"].pcm
    again = hear_compressed(audio["other mp3"], folder, "mp3", 1)
    assert abs(again.samples - len(other) // 2) <= 160
    assert likeness(again.channels[0], other) > 0.9
    whole = hear(stage.customer.download(survivor["url"])).channels[0]
    assert len(whole) > 2 * 8000 * 100
    assert calls["surviving"].pcm.startswith(whole[:-1600])
