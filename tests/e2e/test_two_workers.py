"""A call whose two taps meet two workers: commands reach both, and the owner may be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import choose_port
from simulator.player import Played, play
from simulator.report import Report
from simulator.schedule import Cut, Faults
from simulator.socket import Setup
from tests.carriers.needed import needs
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage, Worker
from tests.e2e.stored import holding

needs("bandwidth", "signalwire")

from simulator.carriers.signalwire.tap import tap_url  # noqa: E402  # it may not be there

pytestmark = pytest.mark.e2e

IN, OUT = Track.INBOUND, Track.OUTBOUND
JOINS_S = 1.0
"""the outbound tap, after the inbound one: so the first worker owns the call"""
PAUSE_AT_S, RESUME_AT_S, ENDS_AT_S = 5.0, 8.0, 12.0
KILL_AT_S = 6.0
SPARED_S = 1.0
"""how long a command may take on a machine that does much else"""
PIECE = 800
"""samples: what is looked for in one go"""


def _noise(call_id: str, track: Track) -> Iterator[bytes]:
    """Yield frames of which none comes twice."""
    noise = Random(f"{call_id} {track}")
    return (noise.randbytes(160) for _ in range(round(ENDS_AT_S * 50)))


def _call(stage: Stage, near: Worker, far: Worker, call_id: str) -> Played:
    told = stage.instructions("signalwire-tap", stereo=True)
    elsewhere = tap_url(far.at(told["stream_url"]), call_id, "listen")
    return Played(
        dialect="signalwire-tap",
        setup=Setup(
            stream_url=near.at(told["stream_url"]),
            call_id=call_id,
            tracks=(IN, OUT),
            encoding=Encoding.PCMU,
        ),
        sources={track: _noise(call_id, track) for track in (IN, OUT)},
        hook_url=told["hook_url"],
        faults=Faults(cuts=(Cut(from_s=0, to_s=JOINS_S, url=elsewhere, track=OUT),)),
    )


async def _paused(stage: Stage, call: Played) -> tuple[Report, list[dict[str, Any]]]:
    call_id = call.setup.call_id
    playing = asyncio.create_task(play(call))
    await asyncio.sleep(PAUSE_AT_S)
    control_id = (await asyncio.to_thread(stage.recording, call_id))["control_id"]
    path = f"/v1/calls/{call_id}/record_call/{control_id}"
    paused = await asyncio.to_thread(partial(stage.customer.post, f"{path}/pause", {}))
    await asyncio.sleep(RESUME_AT_S - PAUSE_AT_S)
    resumed = await asyncio.to_thread(partial(stage.customer.post, f"{path}/resume", {}))
    return await playing, [paused, resumed]


async def _cut_short(call: Played, kill: Callable[[], None]) -> Report:
    playing = asyncio.create_task(play(call))
    await asyncio.sleep(KILL_AT_S)
    kill()
    return await playing


def _missing_s(report: Report, track: Track, heard: bytes) -> list[float]:
    """Return the times, in seconds of what was sent, of the pieces that don't sound."""
    pcm = decoded(report.tracks[track], Encoding.PCMU)
    pieces = range(0, len(pcm) // 2 - PIECE, PIECE)
    return [at / 8000 for at in pieces if pcm[2 * at : 2 * (at + PIECE)] not in heard]


def test_a_pause_reaches_the_tap_on_another_worker(stage: Stage) -> None:
    """What either side says meanwhile is stored nowhere; before and after, both sides are there."""
    call_id = stage.fresh("paused-on-two")
    with (
        stage.worker("owner", choose_port(""), {}) as near,
        stage.worker("passer", choose_port(""), {}) as far,
    ):
        report, answers = asyncio.run(_paused(stage, _call(stage, near, far, call_id)))
        recording = stage.await_ended(call_id, within_s=90)

        assert b"a worker forwards streams" in near.log.read_bytes()
        assert ["paused", "recording"] == [answer["state"] for answer in answers]
        states = [callback.state for callback in stage.receiver.of_call(call_id)]
        assert ["recording", "paused", "recording", "finished"] == states
        channels = hear(stage.customer.download(recording["url"])).channels
        secrets = []
        for track, heard, from_s in ((IN, channels[0], 0.0), (OUT, channels[1], JOINS_S)):
            missing = [from_s + at_s for at_s in _missing_s(report, track, heard)]
            outside = [
                at_s
                for at_s in missing
                if not PAUSE_AT_S - 0.2 <= at_s <= RESUME_AT_S + 2 * SPARED_S
                and from_s + 0.2 < at_s < ENDS_AT_S - 0.3
            ]
            assert [] == outside
            payload = bytes(report.tracks[track].payload)
            begin, end = (
                round((at_s - from_s) * 8000) for at_s in (PAUSE_AT_S + SPARED_S, RESUME_AT_S)
            )
            secrets += [payload[at : at + 160] for at in range(begin, end, 160)]
        assert 200 == len(secrets)
        assert [] == [*holding(stage, near, secrets), *holding(stage, far, secrets)]


def test_a_killed_owner_costs_the_other_workers_tap_nothing_much(stage: Stage) -> None:
    """`kill -9` of the owner: the other worker goes on, at most two seconds are missing, and the
    call ends without the sweeper."""
    call_id = stage.fresh("inherited")
    with (
        stage.worker("killed-owner", choose_port(""), {}) as near,
        stage.worker("heir", choose_port(""), {}) as far,
    ):
        call = _call(stage, near, far, call_id)
        report = asyncio.run(_cut_short(call, near.process.kill))

        recording = stage.await_ended(call_id, within_s=100)
    assert "finished" == recording["state"]
    channels = hear(stage.customer.download(recording["url"])).channels
    missing = _missing_s(report, OUT, channels[1])
    assert 2.0 >= len(missing) * PIECE / 8000, missing
    spoken_s = len(report.tracks[IN].payload) / 8000
    lost = [at_s for at_s in _missing_s(report, IN, channels[0]) if at_s < spoken_s]
    assert 2.0 >= len(lost) * PIECE / 8000, lost
    told = [(gap["track"], gap["reason"]) for gap in recording["gaps"]]
    assert ("inbound", "ended_early") in told
