"""Taps of a live call, asked for at the deployed API: the audio elsewhere, and what is told."""

from __future__ import annotations

import asyncio
import audioop
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import HOST, choose_port
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage, Worker, until

pytestmark = pytest.mark.e2e

TAP_AT_S, STOP_AT_S, ENDS_AT_S = 3.0, 9.0, 11.0
SILENCE = b"\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """The call that is tapped, and the one that a tap of it makes."""

    call: str
    copy: str


@dataclass
class Outcome:
    """What was sent, heard and answered."""

    report: Report
    heard: bytes
    answers: list[dict[str, Any]] = field(default_factory=list)


def _noise(track: Track) -> Iterator[bytes]:
    """Yield frames of which none comes twice, and none sounds like silence."""
    noise = Random(track)
    frames = (noise.randbytes(160) for _ in range(round(ENDS_AT_S * 50)))
    return (one.replace(SILENCE, b"\x7e") for one in frames)


async def _play(stage: Stage, worker: Worker, ids: Ids) -> Outcome:
    told = stage.instructions("bandwidth", stereo=True)
    tracks = (Track.INBOUND, Track.OUTBOUND)
    call = Played(
        dialect="bandwidth",
        setup=Setup(
            stream_url=worker.at(told["stream_url"]),
            call_id=ids.call,
            tracks=tracks,
            encoding=Encoding.PCMU,
        ),
        sources={track: _noise(track) for track in tracks},
        hook_url=told["hook_url"],
    )
    messages: list[bytes] = []

    async def take(connection: ServerConnection) -> None:
        messages.extend([message async for message in connection if isinstance(message, bytes)])

    async with serve(take, HOST, 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        playing = asyncio.create_task(play(call))
        answers = await _tap(stage, ids, f"ws://{HOST}:{port}/audio")
        report = await playing
    return Outcome(report=report, heard=b"".join(messages), answers=answers)


async def _tap(stage: Stage, ids: Ids, uri: str) -> list[dict[str, Any]]:
    """Tap by websocket and by RTP, the latter into a call of our own; stop the first."""
    profile = stage.instructions("signalwire-tap", direction="speak")["profile"]
    await asyncio.sleep(TAP_AT_S)
    path = f"/v1/calls/{ids.copy}/rtp_endpoint?profile={profile}"
    endpoint = await asyncio.to_thread(partial(stage.customer.post, path, {}))
    asked = (
        {"uri": uri, "control_id": "ws", "codec": "PCMA"},
        {"uri": endpoint["uri"], "control_id": "rtp", "direction": "listen"},
    )
    path = f"/v1/calls/{ids.call}/tap"
    answers = [await asyncio.to_thread(partial(stage.customer.post, path, one)) for one in asked]
    await asyncio.sleep(STOP_AT_S - TAP_AT_S)
    path = f"/v1/calls/{ids.call}/stop_tap"
    stopped = partial(stage.customer.post, path, {"control_id": "ws"})
    return [*answers, await asyncio.to_thread(stopped)]


def test_a_live_call_is_tapped_twice(stage: Stage) -> None:
    """Each destination has its track sample for sample; both taps tell when they begin and end."""

    ids = Ids(call=stage.fresh("tapped"), copy=stage.fresh("tapped-copy"))
    with stage.worker("tapping", choose_port(""), {}) as worker:
        played = asyncio.run(_play(stage, worker, ids))
        copy = stage.await_ended(ids.copy, within_s=90)
        assert until(lambda: len(_told(stage, ids)) == 4, within_s=60)

    ws, rtp, stopped = played.answers
    assert ("success", "PCMA", 8000) == (ws["tap_result"], ws["tap_codec"], ws["tap_rate"])
    assert (HOST, 20) == (rtp["tap_rtp_src_addr"], rtp["tap_ptime"])
    assert {"stop_tap_result": "success"} == stopped
    inbound, outbound = (played.report.tracks[t] for t in (Track.INBOUND, Track.OUTBOUND))
    pcm, alaw = decoded(inbound, Encoding.PCMU), played.heard.replace(b"\xd5", b"")
    assert len(alaw) > 8000 * (STOP_AT_S - TAP_AT_S - 1)
    assert _as_pcma(pcm).replace(b"\xd5", b"").find(alaw) > 0
    (heard,) = hear(stage.customer.download(copy["url"])).channels
    sounding = heard.strip(bytes(2))
    assert len(sounding) > 16_000 * (ENDS_AT_S - TAP_AT_S - 3)
    assert decoded(outbound, Encoding.PCMU).endswith(sounding)

    bodies = _told(stage, ids)
    assert {"calling.call.tap"} == {body["event_type"] for body in bodies}
    by_tap = {
        control_id: [b["params"] for b in bodies if b["params"]["control_id"] == control_id]
        for control_id in ("ws", "rtp")
    }
    for params in by_tap.values():
        assert ["tapping", "finished"] == [one["state"] for one in params]
    assert {
        "type": "ws",
        "params": {"uri": ws["tap_uri"], "codec": "PCMA"},
    } == by_tap["ws"][0]["device"]
    assert {"addr", "port", "codec", "ptime"} == by_tap["rtp"][0]["device"]["params"].keys()
    assert {"type": "audio", "params": {"direction": "listen"}} == by_tap["rtp"][1]["tap"]
    taps = {one["control_id"]: one for one in stage.customer.get(f"/v1/calls/{ids.call}")["taps"]}
    assert ("stop", "call_closed") == (taps["ws"]["reason"], taps["rtp"]["reason"])
    assert [0, 0] == [one["quality"]["messages_dropped"] for one in taps.values()]


def _told(stage: Stage, ids: Ids) -> list[dict[str, Any]]:
    """Return the bodies of the call's callbacks that tell of taps, in the order of arrival."""
    callbacks = stage.receiver.of_call(ids.call)
    assert all(callback.is_signed for callback in callbacks)
    return [c.body for c in callbacks if c.body["event_type"] == "calling.call.tap"]


def _as_pcma(pcm: bytes) -> bytes:
    """Encode as the codec's own table does; the oracle is the standard library."""
    return audioop.lin2alaw(pcm, 2)
