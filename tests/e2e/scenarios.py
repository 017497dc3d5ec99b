"""The calls of the end-to-end tests, as a table: who calls, and what goes wrong.

All are played in real time, one beginning a second after the other, on three workers: `near` and
`far` stand beside each other, `shaky` reaches its database and store through a proxy that is slow,
and refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.capture.events import Encoding, Track
from simulator import sources
from simulator.player import Announcing, Played, play
from simulator.report import Report
from simulator.schedule import Cut, Faults, Hole, Loss, Rubbish, Stall
from simulator.socket import Setup
from tests.carriers.needed import needs
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.stage import Stage, Worker

needs("bandwidth", "signalwire")

from simulator.carriers.signalwire.tap import tap_url  # noqa: E402  # it may not be there

IN, OUT = Track.INBOUND, Track.OUTBOUND
SECONDS = 10.0
APART_S = 1.0
"""between two beginnings: a small machine can't start forty Lambda workers at once"""
RUBBISH = (
    "{",
    '{"eventType":"media","track":"inbound","payload":"%%%"}',
    b"\x00\x01",
    "[]",
    "\ufffd",
)
"""not JSON, broken base64, bytes where JSON belongs, no object, no ASCII"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One call."""

    dialect: str = "bandwidth"
    tracks: tuple[Track, ...] = (IN, OUT)
    record_call: Mapping[str, object] = field(
        default_factory=lambda: {"stereo": True, "format": "wav"}
    )
    encoding: Encoding = Encoding.PCMU
    faults: Faults = field(default_factory=Faults)
    announcing: Announcing = Announcing.AFTER
    worker: str = "near"
    other_cut: Cut | None = None
    """a cut after which the stream goes on at worker `far`"""


_TAP = {"dialect": "signalwire-tap"}

SCENARIOS: Mapping[str, Scenario] = {
    "tap": Scenario(**_TAP, tracks=(IN,), record_call={"direction": "speak"}),
    "tap of both sides": Scenario(**_TAP),
    "tap in PCMA": Scenario(
        **_TAP, tracks=(IN,), record_call={"direction": "speak"}, encoding=Encoding.PCMA
    ),
    "stream": Scenario(),
    "stream in mp3": Scenario(record_call={"stereo": True, "format": "mp3"}),
    "stream in mp4": Scenario(record_call={"format": "mp4"}),
    "announced first": Scenario(announcing=Announcing.BEFORE),
    "never announced": Scenario(announcing=Announcing.NEVER),
    "five seconds missing": Scenario(faults=Faults(losses=(Loss(from_s=3, to_s=8, track=OUT),))),
    "stall and burst": Scenario(faults=Faults(stalls=(Stall(from_s=3, to_s=6),))),
    "second track late": Scenario(faults=Faults(holes=(Hole(to_s=2, track=OUT),))),
    "second track never": Scenario(faults=Faults(holes=(Hole(track=OUT),))),
    "start message late": Scenario(faults=Faults(start_after_s=1)),
    "no stop": Scenario(faults=Faults(stops=False)),
    "reconnected": Scenario(faults=Faults(cuts=(Cut(from_s=4, to_s=6),))),
    "reconnected elsewhere": Scenario(other_cut=Cut(from_s=4, to_s=6)),
    "taps on two workers": Scenario(**_TAP, other_cut=Cut(from_s=0, to_s=0, track=OUT)),
    "rubbish": Scenario(
        faults=Faults(rubbish=tuple(Rubbish(at_s=at / 2, messages=RUBBISH) for at in range(1, 19)))
    ),
    "slow database": Scenario(worker="shaky"),
    "store refuses at hang-up": Scenario(worker="shaky"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was sent, and what came of it."""

    scenario: Scenario
    report: Report
    recording: dict[str, Any]
    audio: bytes


def play_all(stage: Stage, workers: Mapping[str, Worker], proxy: FaultProxy) -> dict[str, Report]:
    """Play every scenario; return what each sent."""
    played = {
        name: _played(stage, workers, scenario, seed)
        for seed, (name, scenario) in enumerate(SCENARIOS.items())
    }
    proxy.faults.database_delay_s = 0.3
    return asyncio.run(_play_all(played, proxy))


async def _play_all(played: Mapping[str, Played], proxy: FaultProxy) -> dict[str, Report]:
    tasks = {}
    for name, call in played.items():
        tasks[name] = asyncio.create_task(play(call))
        await asyncio.sleep(APART_S)
    # The last one begun is the one at whose hang-up the store refuses.
    await _outage(proxy)
    return {name: await task for name, task in tasks.items()}


async def _outage(proxy: FaultProxy) -> None:
    """The store answers 503 from half a second before the hang-up, for ten seconds."""
    await asyncio.sleep(SECONDS - APART_S - 0.5)
    proxy.faults.storage_fails = True
    await asyncio.sleep(10)
    proxy.faults.storage_fails = False


def _played(stage: Stage, workers: Mapping[str, Worker], scenario: Scenario, seed: int) -> Played:
    instructions = stage.instructions(scenario.dialect, **scenario.record_call)
    stream_url = instructions["stream_url"]
    call_id = stage.fresh(f"{scenario.dialect}-{seed}")
    setup = Setup(
        stream_url=workers[scenario.worker].at(stream_url),
        call_id=call_id,
        tracks=scenario.tracks,
        encoding=scenario.encoding,
        tag=f"seed {seed}",
    )
    return Played(
        dialect=scenario.dialect,
        setup=setup,
        sources=sources.of_speech(scenario.tracks, scenario.encoding, SECONDS, seed),
        hook_url=instructions["hook_url"],
        faults=_faults(scenario, workers, setup),
        announcing=scenario.announcing,
    )


def _faults(scenario: Scenario, workers: Mapping[str, Worker], setup: Setup) -> Faults:
    cut = scenario.other_cut
    if cut is None:
        return scenario.faults
    elsewhere = workers["far"].at(_filled(scenario, setup))
    return Faults(cuts=(Cut(from_s=cut.from_s, to_s=cut.to_s, url=elsewhere, track=cut.track),))


def _filled(scenario: Scenario, setup: Setup) -> str:
    if scenario.dialect != "signalwire-tap":
        return setup.stream_url
    return tap_url(setup.stream_url, setup.call_id, "listen")
