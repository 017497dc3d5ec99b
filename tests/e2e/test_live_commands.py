"""Commands to a live call, through the deployed API to a worker and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import choose_port
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage, Worker
from tests.e2e.stored import holding

pytestmark = pytest.mark.e2e

PAUSE_AT_S, RESUME_AT_S, ENDS_AT_S = 5.0, 8.0, 12.0
SPARED_S = 1.0
"""how long a command may take on a machine that does much else"""


def _noise(call_id: str, track: Track) -> Iterator[bytes]:
    """Yield frames of which none comes twice, in no call."""
    noise = Random(f"{call_id} {track}")
    return (noise.randbytes(160) for _ in range(round(ENDS_AT_S * 50)))


def _is_segment(name: str) -> bool:
    return name.startswith("segments/")


def _secrets(call_id: str, track: Track) -> list[bytes]:
    """Return what a side says while all is paused."""
    said = slice(round((PAUSE_AT_S + SPARED_S) * 50), round(RESUME_AT_S * 50))
    return list(_noise(call_id, track))[said]


async def _play(
    stage: Stage, worker: Worker, call_id: str, secrets: list[bytes]
) -> tuple[Report, list[dict[str, Any]], list[str]]:
    told = stage.instructions("bandwidth", stereo=True)
    tracks = (Track.INBOUND, Track.OUTBOUND)
    call = Played(
        dialect="bandwidth",
        setup=Setup(
            stream_url=worker.at(told["stream_url"]),
            call_id=call_id,
            tracks=tracks,
            encoding=Encoding.PCMU,
        ),
        sources={track: _noise(call_id, track) for track in tracks},
        hook_url=told["hook_url"],
    )
    playing = asyncio.create_task(play(call))
    await asyncio.sleep(PAUSE_AT_S)
    control_id = (await asyncio.to_thread(stage.recording, call_id))["control_id"]
    path = f"/v1/calls/{call_id}/record_call/{control_id}"
    paused = await asyncio.to_thread(partial(stage.customer.post, f"{path}/pause", {}))
    await asyncio.sleep(RESUME_AT_S - PAUSE_AT_S)
    # Now, too: what the journal holds may be gone when the call is over.
    found = asyncio.create_task(asyncio.to_thread(holding, stage, worker, secrets))
    resumed = await asyncio.to_thread(partial(stage.customer.post, f"{path}/resume", {}))
    return await playing, [paused, resumed], await found


def test_what_is_said_in_a_pause_is_stored_nowhere(stage: Stage) -> None:
    """The rendition goes from before the pause to after it; no object, row or log holds what is
    between, neither in the pause nor after the call."""
    call_id = stage.fresh("paused")
    secrets = [*_secrets(call_id, Track.INBOUND), *_secrets(call_id, Track.OUTBOUND)]
    with stage.worker("commanded", choose_port(""), {}) as worker:
        report, answers, in_the_pause = asyncio.run(_play(stage, worker, call_id, secrets))
        recording = stage.await_ended(call_id, within_s=90)
        after_the_call = holding(stage, worker, secrets)
        said_first = [next(_noise(call_id, Track.INBOUND))]
        assert any(map(_is_segment, holding(stage, worker, said_first)))

    assert 200 == len(secrets)
    assert [] == in_the_pause
    assert [] == after_the_call
    assert [
        {"state": "paused", "still_recording": []},
        {"state": "recording", "still_recording": [recording["control_id"]]},
    ] == answers
    states = [callback.state for callback in stage.receiver.of_call(call_id)]
    assert ["recording", "paused", "recording", "finished"] == states
    pcm = decoded(report.tracks[Track.INBOUND], Encoding.PCMU)
    heard = hear(stage.customer.download(recording["url"])).channels[0]
    assert heard.startswith(pcm[: 2 * round(PAUSE_AT_S * 8000) - 1600])
    after = 2 * round((RESUME_AT_S + 2 * SPARED_S) * 8000)
    assert pcm[after:-3200] in heard
