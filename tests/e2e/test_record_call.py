"""record_call's properties, heard: each recording sounds as it was asked for."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.adapters.dynamodb.recordings import DynamoRecordings
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.capture.events import Encoding
from chalicelib.recording.outbox import RecordingEvent
from simulator.report import Report
from simulator.speech import RATE_HZ
from tests.e2e.listening import (
    channels_of,
    decoded,
    hear,
    hear_compressed,
    likeness,
    mixed,
    place_of,
    same_samples,
    tags_of,
)
from tests.e2e.recorded_calls import (
    IN,
    LIMIT_S,
    MIXED,
    OUT,
    Desk,
    PlayedCalls,
    open_desk,
)
from tests.e2e.stage import Stage, until
from tests.e2e.tries import Tries

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def desks(stage: Stage) -> Iterator[Tries[Desk]]:
    """Desks whose calls were played; their workers live as long as the module's tests run."""
    with ExitStack() as parts:
        yield Tries(lambda: open_desk(stage, parts))


@pytest.fixture
def desk(desks: Tries[Desk], request: pytest.FixtureRequest) -> Desk:
    """This try's customer, who records on request."""
    return desks.of(request)


@pytest.fixture
def played(desk: Desk) -> PlayedCalls:
    """All calls, played."""
    assert desk.played is not None
    return desk.played


@pytest.fixture
def asked(desk: Desk, played: PlayedCalls) -> dict[str, dict[str, Any]]:
    """The recordings of the call that a script asked for."""
    return desk.await_finished("asked", 6)


@pytest.fixture
def commanded(desk: Desk, played: PlayedCalls) -> dict[str, dict[str, Any]]:
    """The recordings of the call that was commanded."""
    return desk.await_finished("commanded", 2)


def sent(report: Report, track: Any) -> bytes:
    """Return what a track said, as L16."""
    return decoded(report.tracks[track], Encoding.PCMU)


def audio(desk: Desk, recording: dict[str, Any]) -> bytes:
    """Download a rendition."""
    return desk.stage.customer.download(recording["url"])


# --- before the call streams: format, direction, stereo


def test_a_script_records_six_times_at_once(played: PlayedCalls) -> None:
    """Each record_call has its variables; what isn't ours is named."""

    status, body = played.answers["script"]

    assert 200 == status
    assert [201] * 6 == [result["status"] for result in body["results"]]
    assert ["answer", "play"] == [skipped["method"] for skipped in body["skipped"]]
    names = ["stereo", "mix", "speak", "listen", "mp3", "mp4"]
    assert names == [result["record_control_id"] for result in body["results"]]


def head(url: str, key: str = "") -> tuple[int, str, str, bytes]:
    """Return status, type, length and body of what is answered to a HEAD."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, method="HEAD", headers=headers)
    with urllib.request.urlopen(request, timeout=35) as answer:
        told = answer.headers["Content-Type"], answer.headers["Content-Length"]
        assert told[1] == answer.headers["X-Content-Length"]
        return answer.status, *told, answer.read()


@pytest.mark.parametrize(
    ("control_id", "content_type"),
    [("stereo", "audio/wav"), ("mp3", "audio/mpeg"), ("mp4", "audio/mp4")],
)
def test_a_head_tells_what_a_download_brings(
    desk: Desk,
    played: PlayedCalls,
    asked: dict[str, dict[str, Any]],
    control_id: str,
    content_type: str,
) -> None:
    """Its type and length, by the API key and by the link that `record_call` gave."""

    recording, results = asked[control_id], played.answers["script"][1]["results"]
    (link,) = [
        result["record_call_url"] for result in results if control_id == result["record_control_id"]
    ]

    expected = (200, content_type, str(len(audio(desk, recording))), b"")
    assert expected == head(recording["url"], desk.stage.customer.key)
    assert expected == head(link)


def test_speak_is_the_party_s_track_and_listen_the_other(
    desk: Desk, played: PlayedCalls, asked: dict[str, dict[str, Any]]
) -> None:
    """Sample for sample, from the first to the last; `stereo` of one track is one channel."""

    expected = [(sent(played.asked, track),) for track in (IN, OUT)]

    assert expected == [hear(audio(desk, asked[name])).channels for name in ("speak", "listen")]


def test_both_is_two_channels_or_their_sum(
    desk: Desk, played: PlayedCalls, asked: dict[str, dict[str, Any]]
) -> None:
    """Inbound on channel 0, outbound on channel 1; without `stereo` a saturated sum."""

    both = (sent(played.asked, IN), sent(played.asked, OUT))

    assert both == hear(audio(desk, asked["stereo"])).channels
    assert (mixed(*both),) == hear(audio(desk, asked["mix"])).channels


def test_mp3_and_mp4_sound_as_what_was_said(
    desk: Desk, played: PlayedCalls, asked: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """In their places on their channels, and as long as the call within 20 ms."""

    inbound, outbound = sent(played.asked, IN), sent(played.asked, OUT)
    mp3, mp4 = audio(desk, asked["mp3"]), audio(desk, asked["mp4"])
    stereo = hear_compressed(mp3, tmp_path, "mp3", 2)
    mono = hear_compressed(mp4, tmp_path, "mp4", 1)

    assert "stereo" in channels_of(mp3, tmp_path, "mp3")
    assert "mono" in channels_of(mp4, tmp_path, "mp4")
    assert min(likeness(stereo.channels[0], inbound), likeness(stereo.channels[1], outbound)) > 0.9
    assert likeness(mono.channels[0], inbound) > 0.9
    assert abs(likeness(stereo.channels[0], outbound)) < 0.3
    lengths = [stereo.samples - len(inbound) // 2, mono.samples - len(inbound) // 2]
    assert [] == [off for off in lengths if abs(off) > 160]


@pytest.mark.parametrize(("name", "format_"), [("mix", "wav"), ("mp3", "mp3"), ("mp4", "mp4")])
def test_a_file_says_whose_recording_it_is(
    desk: Desk, asked: dict[str, dict[str, Any]], tmp_path: Path, name: str, format_: str
) -> None:
    """Every format carries the recording's and the call's id."""

    tags = tags_of(audio(desk, asked[name]), tmp_path, format_)

    expected = {
        "title": f"Recording {asked[name]['recording_id']}",
        "comment": f"Call {desk.call_id('asked')}",
    }
    assert expected.items() <= tags.items()


def test_a_mixed_source_is_one_channel_and_says_so(desk: Desk, played: PlayedCalls) -> None:
    """A tap of `both` can't be two channels, whatever was asked for."""

    (recording,) = desk.await_finished("mixed", 1).values()

    assert (sent(played.mixed, MIXED),) == hear(audio(desk, recording)).channels
    assert (True, 1, "mixed_source") == (
        recording["options"]["stereo"],
        recording["renditions"][0]["channels"],
        recording["note"],
    )


# --- while it streams: control ids, pauses, length, stop


def test_the_same_request_again_is_the_same_recording(played: PlayedCalls) -> None:
    """Other options under the same control id are a 409, its variable `failed`."""

    first, again = played.answers["given"], played.answers["again"]
    status, refused = played.answers["other options"]

    assert [201, 201, "given", "given"] == [
        first[0],
        again[0],
        first[1]["record_control_id"],
        again[1]["record_control_id"],
    ]
    assert "success" == first[1]["record_call_result"]
    assert recording_id(first[1]) == recording_id(again[1])
    assert (409, "failed", "control_id_taken") == (
        status,
        refused["record_call_result"],
        refused["reason"],
    )


def recording_id(answer: dict[str, Any]) -> str:
    """Return the recording that a URL leads to."""
    return str(answer["record_call_url"]).split("/recordings/")[1].split("/")[0]


def test_commands_answer_with_what_is_in_effect(played: PlayedCalls) -> None:
    """A pause says which recordings go on; what is over can't be paused, and stops again."""

    answers = played.answers
    limited = answers["limited"][1]["record_control_id"]

    assert (200, {"state": "paused", "still_recording": [limited]}) == answers["pause"]
    assert (200, {"state": "paused", "still_recording": []}) == answers["pause limited"]
    assert (200, {"state": "recording", "still_recording": ["given"]}) == answers["resume"]
    assert (200, "recording") == (
        answers["resume limited"][0],
        answers["resume limited"][1]["state"],
    )
    assert (200, {"stop_record_call_result": "success"}) == answers["stop"] == answers["stop again"]
    assert (409, "not_recording") == (
        answers["pause what is over"][0],
        answers["pause what is over"][1]["error"]["code"],
    )


def test_a_silent_pause_keeps_its_length(
    desk: Desk, played: PlayedCalls, commanded: dict[str, dict[str, Any]]
) -> None:
    """What is heard stands where it was said, and between is silence."""

    said = sent(played.commanded, IN)
    (heard,) = hear(audio(desk, commanded["given"])).channels
    begin = place_of(heard[:3200], said)
    assert begin is not None
    before = same_samples(heard, said[2 * begin :])
    after = same_samples(heard[::-1], said[2 * begin : 2 * begin + len(heard)][::-1])

    pause = heard[2 * before : len(heard) - 2 * after]
    end = begin + len(heard) // 2
    assert b"" == pause.strip(b"\0")
    assert played.happened("given", begin)
    assert played.happened("pause", begin + before)
    assert played.happened("resume", end - after)
    assert played.happened("stop", end)


def test_max_length_counts_no_pause(
    desk: Desk, played: PlayedCalls, commanded: dict[str, dict[str, Any]]
) -> None:
    """Six seconds to the sample, though more than two of pause lie between.

    What was on its way when the pause began is silence: said before, arrived after.
    """

    said = sent(played.commanded, IN)
    limited = commanded[played.answers["limited"][1]["record_control_id"]]
    (heard,) = hear(audio(desk, limited)).channels
    begin = place_of(heard[:3200], said)
    assert begin is not None
    before = same_samples(heard, said[2 * begin :])
    on_its_way = same_samples(heard[2 * before :], bytes(RATE_HZ))
    after = place_of(heard[2 * (before + on_its_way) :], said)
    assert after is not None

    assert (LIMIT_S * RATE_HZ, "max_length") == (len(heard) // 2, limited["reason"])
    assert on_its_way / RATE_HZ < 0.5
    assert played.happened("limited", begin)
    assert played.happened("pause limited", begin + before)
    assert played.happened("resume limited", after)


def test_its_own_status_url_hears_every_state_in_order(
    desk: Desk, commanded: dict[str, dict[str, Any]]
) -> None:
    """And the profile's hears nothing of it; the other recording's goes there."""

    given, limited = "given", next(name for name in commanded if name != "given")
    expected = ["recording", "paused", "recording", "finished"]
    until(lambda: len(desk.heard(desk.own, "commanded", given)) == 4, within_s=20)
    until(lambda: len(desk.heard(desk.stage.receiver, "commanded", limited)) == 4, within_s=20)

    assert expected == [one.state for one in desk.heard(desk.own, "commanded", given)]
    assert expected == [one.state for one in desk.heard(desk.stage.receiver, "commanded", limited)]
    assert [] == desk.heard(desk.stage.receiver, "commanded", given)
    assert all(one.is_signed for one in desk.heard(desk.own, "commanded", given))


def test_the_history_tells_what_happened(desk: Desk, commanded: dict[str, dict[str, Any]]) -> None:
    """Every command stands in `/events`, in order."""

    path = f"/v1/recordings/{commanded['given']['recording_id']}/events"
    events = [event["event"] for event in desk.stage.customer.get(path)["events"]]
    happened = [name for name in events if name != "downloaded" and "callback" not in name]

    expected = ["requested", "recording", "paused", "recording", "finalizing", "finished"]
    assert expected == happened


def test_what_never_gets_media_is_an_error_after_five_minutes(desk: Desk) -> None:
    """Told by the sweeper; here its time is put forward."""

    path = f"/v1/calls/{desk.call_id('silent')}/record_call?profile={desk.told['profile']}"
    desk.say("silent", path, {})
    waiting = desk.recordings("silent")[desk.answers["silent"][1]["record_control_id"]]
    rows = recordings_of(desk.stage)
    row = rows.get(waiting["recording_id"])
    assert ("pending", timedelta(minutes=5)) == (waiting["state"], _wait(row))
    now = datetime.now(UTC)
    put_forward = RecordingEvent(recording_id=row.recording_id, at=now, event="put_forward")
    rows.write(replace(row, due_at=now), put_forward, None)

    desk.stage.sweep()

    ended = desk.recordings("silent")[waiting["control_id"]]
    assert ("error", "no_media") == (ended["state"], ended["reason"])
    heard = partial(desk.heard, desk.stage.receiver, "silent", waiting["control_id"])
    until(lambda: bool(heard()), within_s=20)
    assert ["error"] == [one.state for one in heard()]


def recordings_of(stage: Stage) -> DynamoRecordings:
    """Return the rows themselves."""
    client = boto3.client("dynamodb", **stage.aws.client_options)
    table = Table(client, stage.stack.environment["TAPEDECK_CORE_TABLE"])
    return DynamoRecordings(table, lambda: datetime.now(UTC))


def _wait(row: Any) -> timedelta:
    return row.due_at - row.created_at
