"""A worker's end is not its calls' end: killed, or asked to stop, in the middle of calls."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import choose_port
from simulator import sources
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage, Worker, until

pytestmark = pytest.mark.e2e

IN, OUT = Track.INBOUND, Track.OUTBOUND
ENDS_AFTER_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """How much of what a call sent before its worker's end is missing from its recording."""

    seconds: float
    is_prefix: bool
    """what is there is what was sent, from the first sample on"""


def _calls(stage: Stage, worker: Worker, name: str) -> list[Played]:
    tap = stage.instructions("signalwire-tap", direction="speak")
    stream = stage.instructions("bandwidth", stereo=True)
    return [
        _played(tap, "signalwire-tap", stage.fresh(f"{name}-tap"), (IN,), worker),
        _played(stream, "bandwidth", stage.fresh(f"{name}-stream"), (IN, OUT), worker),
    ]


def _played(
    instructions: dict[str, str],
    dialect: str,
    call_id: str,
    tracks: tuple[Track, ...],
    worker: Worker,
) -> Played:
    return Played(
        dialect=dialect,
        setup=Setup(
            stream_url=worker.at(instructions["stream_url"]),
            call_id=call_id,
            tracks=tracks,
            encoding=Encoding.PCMU,
        ),
        sources=sources.of_speech(tracks, Encoding.PCMU, 60, seed=len(call_id)),
        hook_url=instructions["hook_url"],
    )


async def _play_until_end(calls: list[Played], end: Callable[[], None]) -> list[Report]:
    playing = [asyncio.create_task(play(call)) for call in calls]
    await asyncio.sleep(ENDS_AFTER_S)
    end()
    return await asyncio.wait_for(asyncio.gather(*playing), timeout=60)


def _lost(stage: Stage, report: Report, within_s: float) -> Lost:
    recording = stage.await_ended(report.call_id, within_s)
    assert "finished" == recording.get("state"), recording
    heard = hear(stage.customer.download(recording["url"]))
    sent = [decoded(report.tracks[track], Encoding.PCMU) for track in sorted(report.tracks)]
    shortest = min(len(pcm) for pcm in sent) // 2
    return Lost(
        seconds=(shortest - heard.samples) / 8000,
        is_prefix=all(
            pcm.startswith(channel[: 2 * shortest].rstrip(b"\0"))
            for pcm, channel in zip(sent, heard.channels, strict=True)
        ),
    )


def test_a_killed_worker_costs_about_a_second(stage: Stage) -> None:
    """`kill -9` in the middle of two calls: both recordings finish with all up to the last second.

    The sweeper alone brings them to their end; here it runs every six seconds instead of sixty.
    """
    with stage.worker("killed", choose_port(""), {}) as worker:
        calls = _calls(stage, worker, "killed")
        reports = asyncio.run(_play_until_end(calls, worker.process.kill))

    def has_ended() -> bool:
        stage.sweep()
        return all(stage.recording(report.call_id).get("state") == "finished" for report in reports)

    assert until(has_ended, within_s=150, every_s=6)
    lost = [_lost(stage, report, within_s=20) for report in reports]
    assert [True, True] == [each.is_prefix for each in lost]
    assert [] == [each for each in lost if each.seconds > 2.0], lost


def test_a_stopped_worker_writes_everything(stage: Stage) -> None:
    """SIGTERM in mid-call: what arrived is recorded, and the process ends by itself."""
    with stage.worker("stopped", choose_port(""), {}) as worker:
        calls = _calls(stage, worker, "stopped")
        reports = asyncio.run(
            _play_until_end(calls, lambda: worker.process.send_signal(signal.SIGTERM))
        )
        code = worker.process.wait(timeout=110)

    def has_ended() -> bool:
        stage.sweep()
        return all(stage.recording(report.call_id).get("state") == "finished" for report in reports)

    assert 0 == code
    assert until(has_ended, within_s=60, every_s=3)
    lost = [_lost(stage, report, within_s=20) for report in reports]
    assert [True, True] == [each.is_prefix for each in lost]
    # What the carrier had put on the wire when the socket closed can't have arrived.
    assert [] == [each for each in lost if each.seconds > 0.1], lost
