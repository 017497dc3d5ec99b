"""Recordings that end by themselves: by a digit, by silence, and because nobody speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.media import codecs
from chalicelib.media.pcm import mix_over_begin
from chalicelib.media.tones import beep, digit_tone
from infra.local.ports import choose_port
from simulator.player import Played, play
from simulator.report import Report
from simulator.schedule import Cut, Faults
from simulator.socket import Setup
from tests.carriers.needed import needs
from tests.e2e.listening import decoded, hear
from tests.e2e.stage import Stage, Worker
from tests.media.sounds import RATE_HZ, noise, quiet, seconds, speech

needs("bandwidth", "signalwire")

from simulator.carriers.signalwire.tap import tap_url  # noqa: E402  # it may not be there

pytestmark = pytest.mark.e2e

SAID = {
    "by-digit": speech(2, -18) + quiet(0.5) + digit_tone("5", rate_hz=RATE_HZ, duration_ms=100)
    + quiet(0.5) + speech(3, -18, 2),
    "by-silence": quiet(1) + speech(2, -18) + noise(seconds(5), -55),
    "by-nobody": noise(seconds(6), -55),
}  # fmt: skip
OPTIONS: dict[str, dict[str, object]] = {
    "by-digit": {"terminators": "5"},
    "by-silence": {"end_silence_timeout": 1, "beep": True},
    "by-nobody": {"initial_timeout": 2, "end_silence_timeout": 1},
}


def _frames(pcm: bytes) -> Iterator[bytes]:
    payload = codecs.encode(pcm, Encoding.PCMU)
    return (payload[at : at + 160] for at in range(0, len(payload), 160))


def _call(stage: Stage, worker: Worker, name: str, call_id: str) -> Played:
    told = stage.instructions("bandwidth", **OPTIONS[name])
    return Played(
        dialect="bandwidth",
        setup=Setup(
            stream_url=worker.at(told["stream_url"]),
            call_id=call_id,
            tracks=(Track.INBOUND,),
            encoding=Encoding.PCMU,
        ),
        sources={Track.INBOUND: _frames(SAID[name])},
        hook_url=told["hook_url"],
    )


async def _play(stage: Stage, worker: Worker, ids: Mapping[str, str]) -> list[Report]:
    calls = [_call(stage, worker, name, call_id) for name, call_id in ids.items()]
    return await asyncio.gather(*map(play, calls))


def test_what_is_heard_ends_recordings(stage: Stage) -> None:
    """Each WAV ends where its rule says, to 35 ms; who said nothing has none, and is told so."""

    ids = {name: stage.fresh(name) for name in SAID}
    with stage.worker("listening", choose_port(""), {}) as worker:
        reports = asyncio.run(_play(stage, worker, ids))
        ended = {name: stage.await_ended(call_id, within_s=90) for name, call_id in ids.items()}

    sent = {
        name: decoded(report.tracks[Track.INBOUND], Encoding.PCMU)
        for name, report in zip(ids, reports, strict=True)
    }
    assert {"by-digit": "digit", "by-silence": "end_silence", "by-nobody": "initial_timeout"} == {
        name: recording["reason"] for name, recording in ended.items()
    }
    assert {"by-digit": "finished", "by-silence": "finished", "by-nobody": "no_input"} == {
        name: recording["state"] for name, recording in ended.items()
    }
    assert ["recording", "no_input"] == [
        callback.state for callback in stage.receiver.of_call(ids["by-nobody"])
    ]

    (heard,) = hear(stage.customer.download(ended["by-digit"]["url"])).channels
    assert sent["by-digit"].startswith(heard)
    assert 0 <= 2.5 * RATE_HZ - len(heard) / 2 <= 0.035 * RATE_HZ
    events = stage.customer.get(f"/v1/recordings/{ended['by-digit']['recording_id']}/events")
    assert "5" in [event["detail"].get("digit") for event in events["events"]]

    (heard,) = hear(stage.customer.download(ended["by-silence"]["url"])).channels
    assert mix_over_begin(sent["by-silence"], beep(RATE_HZ)).startswith(heard)
    assert 3.7 <= len(heard) / 2 / RATE_HZ <= 4.04


def _two_taps(stage: Stage, near: Worker, far: Worker, call_id: str) -> Played:
    """Return a call whose party speaks for two seconds and is spoken to until the fifth: the party
    over a tap to one worker, the other side over a tap to another."""
    told = stage.instructions("signalwire-tap", end_silence_timeout=1, stereo=True)
    elsewhere = tap_url(far.at(told["stream_url"]), call_id, "listen")
    return Played(
        dialect="signalwire-tap",
        setup=Setup(
            stream_url=near.at(told["stream_url"]),
            call_id=call_id,
            tracks=(Track.INBOUND, Track.OUTBOUND),
            encoding=Encoding.PCMU,
        ),
        sources={
            Track.INBOUND: _frames(speech(2, -18) + quiet(7)),
            Track.OUTBOUND: _frames(quiet(1) + speech(4, -18, 2) + quiet(4)),
        },
        hook_url=told["hook_url"],
        faults=Faults(cuts=(Cut(from_s=0, to_s=1.0, url=elsewhere, track=Track.OUTBOUND),)),
    )


def test_silence_is_heard_over_two_workers(stage: Stage) -> None:
    """The party is silent from the second second on; the recording ends when both are."""
    call_id = stage.fresh("both-silent")
    with (
        stage.worker("hears", choose_port(""), {}) as near,
        stage.worker("passes", choose_port(""), {}) as far,
    ):
        report = asyncio.run(play(_two_taps(stage, near, far, call_id)))
        ended = stage.await_ended(call_id, within_s=90)

        assert b"a worker forwards streams" in near.log.read_bytes()
    assert ("finished", "end_silence") == (ended["state"], ended["reason"])
    party, other = hear(stage.customer.download(ended["url"])).channels
    assert 5.6 <= len(party) / 2 / RATE_HZ <= 6.1
    said = decoded(report.tracks[Track.INBOUND], Encoding.PCMU)
    assert said.startswith(party)
    spoken = decoded(report.tracks[Track.OUTBOUND], Encoding.PCMU)
    assert spoken[RATE_HZ : 6 * RATE_HZ] in other
