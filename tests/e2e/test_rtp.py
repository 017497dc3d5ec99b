"""A call recorded by RTP: its port asked for at the deployed API, its sender not ours."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chalicelib.capture.events import Encoding
from infra.local.ports import choose_port
from simulator.hooks import post
from simulator.report import SentTrack
from simulator.rtp import RtpTap
from tests.carriers.needed import needs
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage
from tests.sink.senders import ffmpeg, noise, run_sender

needs("signalwire")

from simulator.carriers.signalwire.rtp_tap import rtp_event  # noqa: E402  # it may not be there

pytestmark = pytest.mark.e2e

SECONDS = 4.0


def test_what_ffmpeg_sends_is_the_recording(stage: Stage, tmp_path: Path) -> None:
    """Sample for sample; the carrier's webhook, which names only our port, ends it."""

    told, call_id = stage.instructions("signalwire-tap", direction="speak"), stage.fresh("by-rtp")
    payload, file = noise(SECONDS), tmp_path / "noise"
    file.write_bytes(payload)
    with stage.worker("rtp", choose_port(""), {}):
        path = f"/v1/calls/{call_id}/rtp_endpoint?profile={told['profile']}"
        uri = stage.customer.post(path, {})["uri"]
        again = stage.customer.post(path, {})["uri"]
        tap = RtpTap(uri=uri, call_id=call_id)
        statuses = [post(told["hook_url"], rtp_event(tap.setup, "tapping"))]
        asyncio.run(run_sender(ffmpeg(file, "PCMU", uri)))
        statuses.append(post(told["hook_url"], rtp_event(tap.setup, "finished")))
        recording = stage.await_ended(call_id, within_s=90)

    assert uri == again
    assert [200, 200] == statuses
    assert ("finished", []) == (recording["state"], recording["gaps"])
    assert "call_closed" == recording["reason"]
    sent = SentTrack(payload=bytearray(payload))
    heard = hear(stage.customer.download(recording["url"]))
    assert (decoded(sent, Encoding.PCMU),) == heard.channels
    states = [callback.state for callback in stage.receiver.of_call(call_id)]
    assert ["recording", "finished"] == states
