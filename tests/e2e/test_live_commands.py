"""Commands to a live call, through the deployed API to a worker and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import boto3
import pytest

from chalicelib.capture.events import Encoding, Track
from infra.local.ports import choose_port
from simulator.player import Played, play
from simulator.report import Report
from simulator.socket import Setup
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage, Worker

pytestmark = pytest.mark.e2e

CALL_ID = "paused"
PAUSE_AT_S, RESUME_AT_S, ENDS_AT_S = 5.0, 8.0, 12.0
SPARED_S = 1.0
"""how long a command may take on a machine that does much else"""


def _noise(track: Track) -> Iterator[bytes]:
    """Yield frames of which none comes twice."""
    noise = Random(track)
    return (noise.randbytes(160) for _ in range(round(ENDS_AT_S * 50)))


async def _play(stage: Stage, worker: Worker) -> tuple[Report, list[dict[str, Any]]]:
    told = stage.instructions("bandwidth", stereo=True)
    tracks = (Track.INBOUND, Track.OUTBOUND)
    call = Played(
        dialect="bandwidth",
        setup=Setup(
            stream_url=worker.at(told["stream_url"]),
            call_id=CALL_ID,
            tracks=tracks,
            encoding=Encoding.PCMU,
        ),
        sources={track: _noise(track) for track in tracks},
        hook_url=told["hook_url"],
    )
    playing = asyncio.create_task(play(call))
    await asyncio.sleep(PAUSE_AT_S)
    control_id = (await asyncio.to_thread(stage.recording, CALL_ID))["control_id"]
    path = f"/v1/calls/{CALL_ID}/record_call/{control_id}"
    paused = await asyncio.to_thread(partial(stage.customer.post, f"{path}/pause", {}))
    await asyncio.sleep(RESUME_AT_S - PAUSE_AT_S)
    resumed = await asyncio.to_thread(partial(stage.customer.post, f"{path}/resume", {}))
    return await playing, [paused, resumed]


def _objects(stage: Stage) -> Iterator[bytes]:
    client = boto3.client("s3", **stage.aws.client_options)
    for bucket in client.list_buckets()["Buckets"]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for entry in page.get("Contents", ()):
                answer = client.get_object(Bucket=bucket["Name"], Key=entry["Key"])
                yield answer["Body"].read()


def test_what_is_said_in_a_pause_is_stored_nowhere(stage: Stage) -> None:
    """The rendition goes from before the pause to after it, and no object holds what is between."""
    with stage.worker("commanded", choose_port(""), {}) as worker:
        report, answers = asyncio.run(_play(stage, worker))
        recording = stage.await_ended(CALL_ID, within_s=90)

    assert [
        {"state": "paused", "still_recording": []},
        {"state": "recording", "still_recording": [recording["control_id"]]},
    ] == answers
    states = [callback.state for callback in stage.receiver.of_call(CALL_ID)]
    assert ["recording", "paused", "recording", "finished"] == states
    inbound = report.tracks[Track.INBOUND]
    pause = slice(round((PAUSE_AT_S + SPARED_S) * 8000), round(RESUME_AT_S * 8000))
    payload, pcm = bytes(inbound.payload), decoded(inbound, Encoding.PCMU)
    heard = hear(stage.customer.download(recording["url"])).channels[0]
    assert heard.startswith(pcm[: 2 * round(PAUSE_AT_S * 8000) - 1600])
    after = 2 * round((RESUME_AT_S + 2 * SPARED_S) * 8000)
    assert pcm[after:-3200] in heard
    secrets = [payload[at : at + 160] for at in range(pause.start, pause.stop, 160)]
    assert len(secrets) == 100
    stored = b"".join(_objects(stage))
    assert [] == [secret for secret in secrets if secret in stored]
