"""Every call comes out complete, in time, aligned and playable, whatever happened on its way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from chalicelib.capture.events import Encoding
from infra.local.ports import choose_port
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.listening import compressed_samples, decoded, find_runs, hear, is_silent
from tests.e2e.scenarios import IN, OUT, SCENARIOS, SECONDS, Outcome, play_all
from tests.e2e.stage import Stage
from tests.e2e.tries import Tries

pytestmark = pytest.mark.e2e

SAMPLES = int(SECONDS * 8000)
WHOLE = [
    "tap",
    "tap in PCMA",
    "stream",
    "announced first",
    "never announced",
    "stall and burst",
    "start message late",
    "no stop",
    "rubbish",
    "slow database",
    "store refuses at hang-up",
]
"""those in which nothing was lost: equal, sample for sample"""
HOLED = {
    "tap of both sides": 0,
    "taps on two workers": 0,
    "five seconds missing": 0,
    "second track late": 0,
    "second track never": 0,
    "reconnected": 800,
    "reconnected elsewhere": 800,
}
"""those that are compared by place; the samples that a broken socket may have swallowed"""

Fetch = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def proxy(stage: Stage) -> Iterator[FaultProxy]:
    """The way of worker `shaky` to AWS."""
    with FaultProxy(stage.aws.endpoint).running() as running:
        yield running


@pytest.fixture(scope="module")
def plays(stage: Stage, proxy: FaultProxy) -> Iterator[Tries[Fetch]]:
    """All calls, played; their workers live as long as the module's tests run."""
    with ExitStack() as running:
        yield Tries(lambda: _play(stage, proxy, running))


@pytest.fixture
def fetch(plays: Tries[Fetch], request: pytest.FixtureRequest) -> Fetch:
    """Return a function that waits for the end of one of this try's calls."""
    return plays.of(request)


def _play(stage: Stage, proxy: FaultProxy, running: ExitStack) -> Fetch:
    ways = {"near": {}, "far": {}, "shaky": {"AWS_ENDPOINT_URL": proxy.url}}
    workers = {
        name: running.enter_context(stage.worker(name, choose_port(""), environment))
        for name, environment in ways.items()
    }
    reports = play_all(stage, workers, proxy)
    outcomes: dict[str, Outcome] = {}

    def fetched(name: str) -> Outcome:
        if name not in outcomes:
            recording = stage.await_ended(reports[name].call_id, within_s=120)
            assert "finished" == recording.get("state"), recording
            outcomes[name] = Outcome(
                scenario=SCENARIOS[name],
                report=reports[name],
                recording=recording,
                audio=stage.customer.download(recording["url"]),
            )
        return outcomes[name]

    return fetched


@pytest.mark.parametrize("name", WHOLE)
def test_what_was_sent_is_what_was_recorded(fetch: Fetch, name: str) -> None:
    """The WAV's channels equal the tracks, sample for sample, with no gap told."""
    outcome = fetch(name)
    sent = outcome.report.tracks
    expected = tuple(decoded(sent[track], outcome.report.encoding) for track in sorted(sent))

    heard = hear(outcome.audio)
    assert [len(pcm) for pcm in expected] == [len(pcm) for pcm in heard.channels]
    assert expected == heard.channels
    assert [] == outcome.recording["gaps"]


@pytest.mark.parametrize("name", HOLED)
def test_what_arrived_sounds_in_its_place(fetch: Fetch, name: str) -> None:
    """Every stretch that was sent without a hole is there bit for bit, within 20 ms of its time."""
    outcome = fetch(name)
    heard = hear(outcome.audio)
    sent = outcome.report.tracks
    runs = [
        run
        for channel, track in enumerate((IN, OUT))
        for run in find_runs(heard.channels[channel], sent[track], Encoding.PCMU, HOLED[name])
    ]

    assert [] == [run for run in runs if abs(run.off_ms) > 20]
    assert abs(heard.samples - SAMPLES) <= 160


@pytest.mark.parametrize(
    ("name", "from_s", "to_s", "channel"),
    [
        ("five seconds missing", 3, 8, 1),
        ("second track late", 0, 2, 1),
        ("second track never", 0, 10, 1),
        ("reconnected", 4, 6, 0),
        ("reconnected elsewhere", 4, 6, 0),
    ],
)
def test_a_hole_is_silence_and_is_told(
    fetch: Fetch, name: str, from_s: float, to_s: float, channel: int
) -> None:
    """What never came is silence, and the recording says where."""
    outcome = fetch(name)
    heard = hear(outcome.audio).channels[channel]
    track = (IN, OUT)[channel]
    told = [gap for gap in outcome.recording["gaps"] if gap["track"] == track]

    assert is_silent(heard, int(from_s * 8000) + 320, int(to_s * 8000) - 320)
    assert 1 == len(told), outcome.recording["gaps"]
    assert abs(told[0]["offset_ms"] - 1000 * from_s) <= 120
    assert abs(told[0]["duration_ms"] - 1000 * (to_s - from_s)) <= 120


@pytest.mark.parametrize(
    ("name", "extension"), [("stream in mp3", "mp3"), ("stream in mp4", "mp4")]
)
def test_compressed_formats_are_as_long_as_the_call(
    fetch: Fetch, tmp_path: Path, name: str, extension: str
) -> None:
    """MP3 and MP4 decode to the call's length, within 20 ms."""
    samples = compressed_samples(fetch(name).audio, tmp_path, extension)

    assert abs(samples - SAMPLES) <= 160


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_customer_is_told_in_order(stage: Stage, fetch: Fetch, name: str) -> None:
    """`recording`, then `finished`, each signed, with the keys of the carrier's own callback."""
    outcome = fetch(name)
    callbacks = stage.receiver.of_call(outcome.report.call_id)
    finished = callbacks[-1].body
    rendition = outcome.recording["renditions"][0]

    assert ["recording", "finished"] == [callback.state for callback in callbacks]
    assert all(callback.is_signed for callback in callbacks)
    assert {"event_type", "event_channel", "timestamp", "project_id", "space_id", "params"} == set(
        finished
    )
    assert {"call_id", "node_id", "control_id", "state", "record"} == set(finished["params"])
    assert {
        "url": outcome.recording["url"],
        "duration": rendition["duration"],
        "size": len(outcome.audio),
        "format": outcome.scenario.record_call.get("format", "wav"),
    } == finished["params"]["record"]
    assert hashlib.sha256(outcome.audio).hexdigest() == rendition["sha256"]


def test_the_carriers_words_reach_the_callback(stage: Stage, fetch: Fetch) -> None:
    """Node and channel of the callback are those of the carrier's webhook; the tag is a label."""
    outcome = fetch("tap")
    finished = stage.receiver.of_call(outcome.report.call_id)[-1].body

    assert "5f2a7a2e-simulator" == finished["params"]["node_id"]
    assert f"swml:{outcome.report.call_id}" == finished["event_channel"]
    assert re.match(r"seed \d+", outcome.recording["labels"]["tag"])


def test_the_store_did_refuse(proxy: FaultProxy, fetch: Fetch) -> None:
    """The outage of the scenario happened: the proxy counted refusals."""
    fetch("store refuses at hang-up")

    assert proxy.faults.storage_refusals > 0


def test_nobody_is_closed_for_anothers_rubbish(fetch: Fetch) -> None:
    """The socket that got rubbish was ended by its carrier, as every other."""
    ends: Mapping[str, list[str]] = {
        name: [ended.by for ended in fetch(name).report.sockets] for name in ("rubbish", "stream")
    }

    assert {"rubbish": ["carrier"], "stream": ["carrier"]} == ends
