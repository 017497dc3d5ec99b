"""A call of each dialect and one by RTP, all of them paused for three seconds; what they say
meanwhile is noise that comes once, and is looked for everywhere."""

from __future__ import annotations

import asyncio
import audioop
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import choose_port
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup
from tests.e2e.listening import hear
from tests.e2e.stage import Stage, Worker
from tests.e2e.stored import objects, rows
from trials.leaks.search import logs
from trials.leaks.seeds import Seeds, found, frames

IN, OUT = Track.INBOUND, Track.OUTBOUND
PAUSE_AT_S, LASTS_S, ENDS_AT_S = 4.0, 2.5, 14.0
"""a pause lasts so long from its last answer: on a machine that does much else that may take"""
MARGIN_S = 0.1
"""between what was said and its arrival, when an answer came or a command went"""
TRACKS: Mapping[str, tuple[Track, ...]] = {
    "bandwidth": (IN, OUT),
    "signalwire-tap": (IN, OUT),
    "rtp": (IN,),
}


@dataclass
class Outcome:
    """What was sent, answered and found."""

    reports: dict[str, Report] = field(default_factory=dict)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    times: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """when each command was asked and answered; seconds since 1970"""
    recordings: dict[str, dict[str, Any]] = field(default_factory=dict)
    audio: dict[str, bytes] = field(default_factory=dict)
    in_the_pause: list[str] = field(default_factory=list)
    """where something said in it was, while it lasted"""
    after_the_calls: list[str] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    """where what was said before the pauses is: a search that finds nothing shows nothing"""
    searched: int = 0
    """objects, each version by itself"""


def call_id(dialect: str) -> str:
    """Return the call of a dialect."""
    return f"paused-{dialect}"


def said(dialect: str, track: Track, from_s: float = 0.0, to_s: float = ENDS_AT_S) -> list[bytes]:
    """Return what a side says in a stretch of its call."""
    whole = frames(f"pause {dialect} {track}", ENDS_AT_S)
    return whole[round(from_s * 50) : round(to_s * 50)]


def pause_of(outcome: Outcome, dialect: str) -> tuple[float, float]:
    """Return from when until when a call's pause was in effect for sure, in seconds of the call."""
    began_s = outcome.reports[dialect].started_at.timestamp()
    (_, paused_s), (resumed_s, _) = outcome.times[dialect]
    return paused_s - began_s + MARGIN_S, resumed_s - began_s - MARGIN_S


def said_in_pauses(outcome: Outcome) -> list[bytes]:
    """Return what must be nowhere."""
    return [
        frame
        for dialect, tracks in TRACKS.items()
        for track in tracks
        for frame in said(dialect, track, *pause_of(outcome, dialect))
    ]


def _said_before() -> list[bytes]:
    """Return what must be somewhere."""
    tracks = [(dialect, track) for dialect, of in TRACKS.items() for track in of]
    return [frame for dialect, track in tracks for frame in said(dialect, track, 1.0, 2.0)]


def run(stage: Stage, folder: Path) -> Outcome:
    """Play, pause, look; resume, end, look again."""
    outcome = Outcome()
    with stage.worker("paused", choose_port(""), {}) as worker:
        asyncio.run(_play(stage, worker, outcome, folder))
        for dialect in TRACKS:
            recording = stage.await_ended(call_id(dialect), within_s=90)
            outcome.recordings[dialect] = recording
            outcome.audio[dialect] = stage.customer.download(recording["url"])
        wanted = said_in_pauses(outcome)
        outcome.after_the_calls = [
            *_look(stage, worker, folder, wanted, outcome),
            *_heard(outcome.audio, wanted),
        ]
        before = _said_before()
        outcome.controls = [
            *(name for name, body in objects(stage) if any(one in body for one in before)),
            *_heard(outcome.audio, before),
        ]
    return outcome


async def _play(stage: Stage, worker: Worker, outcome: Outcome, folder: Path) -> None:
    calls = {dialect: _played(stage, worker, dialect) for dialect in TRACKS}
    playing = {dialect: asyncio.create_task(play(call)) for dialect, call in calls.items()}
    began_s = time.time()
    await asyncio.sleep(PAUSE_AT_S / 2)
    paths = {dialect: await asyncio.to_thread(_path, stage, dialect) for dialect in TRACKS}
    await asyncio.sleep(max(0.0, began_s + PAUSE_AT_S - time.time()))
    await _command(stage, paths, "pause", outcome)
    await asyncio.sleep(LASTS_S)
    # Now, too: what the journal holds may be gone when the calls are over. The calls began a little
    # later than this counts, so that what is looked for was said in the pause and no earlier.
    from_s = max(times[0][1] for times in outcome.times.values()) - began_s + MARGIN_S
    wanted = [
        frame
        for dialect, tracks in TRACKS.items()
        for track in tracks
        for frame in said(dialect, track, from_s, time.time() - began_s)
    ]
    look = partial(_look, stage, worker, folder, wanted, outcome)
    looking = asyncio.create_task(asyncio.to_thread(look))
    await _command(stage, paths, "resume", outcome)
    for dialect, task in playing.items():
        outcome.reports[dialect] = await task
    outcome.in_the_pause = await looking


def _played(stage: Stage, worker: Worker, dialect: str) -> Played:
    of = "bandwidth" if dialect == "bandwidth" else "signalwire-tap"
    told = stage.instructions(of, stereo=True)
    url = worker.at(told["stream_url"])
    if dialect == "rtp":
        path = f"/v1/calls/{call_id(dialect)}/rtp_endpoint?profile={told['profile']}"
        url = stage.customer.post(path, {})["uri"]
    return Played(
        dialect=dialect,
        setup=Setup(
            stream_url=url,
            call_id=call_id(dialect),
            tracks=TRACKS[dialect],
            encoding=Encoding.PCMU,
        ),
        sources={track: said(dialect, track) for track in TRACKS[dialect]},
        hook_url=told["hook_url"],
    )


def _path(stage: Stage, dialect: str) -> str:
    control_id = stage.recording(call_id(dialect))["control_id"]
    return f"/v1/calls/{call_id(dialect)}/record_call/{control_id}"


async def _command(stage: Stage, paths: Mapping[str, str], kind: str, outcome: Outcome) -> None:
    def ask(dialect: str) -> None:
        asked_s = time.time()
        answer = stage.customer.post(f"{paths[dialect]}/{kind}", {})
        outcome.answers.setdefault(dialect, []).append(answer)
        outcome.times.setdefault(dialect, []).append((asked_s, time.time()))

    await asyncio.gather(*(asyncio.to_thread(ask, dialect) for dialect in paths))


def _look(
    stage: Stage, worker: Worker, folder: Path, wanted: list[bytes], outcome: Outcome
) -> list[str]:
    """Return what holds any of these frames: every version of every object, rows, logs."""
    holding = []
    for name, body in objects(stage):
        outcome.searched += 1
        if any(one in body for one in wanted):
            holding.append(name)
    seeds = Seeds()
    seeds.add_payload(wanted)
    texts = {**logs(stage, worker, folder), "a row": repr(list(rows(stage))).encode()}
    return [*holding, *found(texts, seeds)]


def _heard(audio: Mapping[str, bytes], wanted: Iterable[bytes]) -> list[str]:
    """Return the renditions in which a frame sounds."""
    pcm = [audioop.ulaw2lin(frame, 2) for frame in wanted]
    return [
        f"rendition of {dialect}"
        for dialect, wav in audio.items()
        if any(one in channel for channel in hear(wav).channels for one in pcm)
    ]
