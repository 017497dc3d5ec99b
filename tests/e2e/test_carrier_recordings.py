"""What carriers recorded themselves, from their event through the deployed stack to a download."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from random import Random
from typing import Any

import boto3
import pytest

from chalicelib.media import wav
from simulator.hooks import post
from tests.carriers.samples import sample
from tests.e2e.carrier_files import PASSWORD, USERNAME, CarrierFiles, Held, carrier_files
from tests.e2e.stage import Stage, until

pytestmark = pytest.mark.e2e

SAMPLES = 8000 * 15 + 4000
AUDIO = wav.header(rate_hz=8000, channels=1, samples=SAMPLES) + Random(1).randbytes(2 * SAMPLES)
WITHIN_S = 90


@pytest.fixture
def files() -> Iterator[CarrierFiles]:
    with carrier_files() as host:
        yield host


def hook_of(stage: Stage, dialect: str) -> str:
    """Return the hook of a profile that knows the carrier's credentials."""
    name = f"copies-{dialect}"
    if name not in stage.profiles:
        secret_id = a_secret(stage, name, basic={"username": USERNAME, "password": PASSWORD})
        body = {"dialect": dialect, "status_url": stage.receiver.url, "secret_id": secret_id}
        stage.profiles[name] = stage.make_profile(name, **body)
    hook: str = stage.profiles[name]["hook_url"]
    return hook


def a_secret(stage: Stage, name: str, **fields: object) -> str:
    """Store a secret of a profile; return its id."""
    secret_id = stage.fresh(f"tapedeck/main/e2e-{name}")
    client = boto3.client("secretsmanager", **stage.aws.client_options)
    client.create_secret(Name=secret_id, SecretString=json.dumps(fields))
    return secret_id


def bandwidth_event(name: str, url: str, call_id: str) -> dict[str, Any]:
    facts = {
        "callId": call_id,
        "mediaUrl": url,
        "duration": "PT15.5S",
        "recordingId": f"r-{call_id}",
    }
    return sample("bandwidth", name) | facts


def signalwire_event(url: str, call_id: str) -> dict[str, Any]:
    event = sample("signalwire", "record-finished-swml-nested")
    event["params"]["call_id"] = call_id
    event["params"]["record"] |= {"url": url, "size": len(AUDIO), "duration": 15.5}
    return event


def told(stage: Stage, call_id: str) -> list[str]:
    return [callback.state for callback in stage.receiver.of_call(call_id)]


def test_bandwidth_s_recording_is_copied_once(stage: Stage, files: CarrierFiles) -> None:
    """Two kinds of events, each sent twice; the carrier stumbles once; one file comes of it."""

    call_id = stage.fresh("c-bandwidth-copied")
    path = "/api/v2/accounts/9/calls/c/recordings/r/media"
    files.held[path] = Held(body=AUDIO, statuses=(503, 200))
    hook = hook_of(stage, "bandwidth")

    for name in ("record-complete", "recording-available") * 2:
        assert 204 == post(hook, bandwidth_event(name, files.url + path, call_id))
    recording = stage.await_ended(call_id, WITHIN_S)

    assert ("finished", "carrier", "carrier_finished") == (
        recording["state"],
        recording["source"],
        recording["reason"],
    )
    assert AUDIO == stage.customer.download(recording["url"])
    assert ["finished"] == told(stage, call_id)
    assert [True, True] == files.credentials_of(path)


def test_signalwire_s_recording_is_copied_from_where_it_leads(
    stage: Stage, files: CarrierFiles
) -> None:
    """Its host redirects to a store, which is told nothing of the credentials."""

    call_id, path = stage.fresh("sw-copied"), "/api/v1/recordings/rec-uuid/download"
    with carrier_files() as store:
        store.held["/signed?x=1"] = Held(body=AUDIO, is_public=True)
        files.held[path] = Held(statuses=(302,), location=f"{store.url}/signed?x=1")

        assert 200 == post(
            hook_of(stage, "signalwire-tap"), signalwire_event(files.url + path, call_id)
        )
        recording = stage.await_ended(call_id, WITHIN_S)

        assert ([True], [False]) == (
            files.credentials_of(path),
            store.credentials_of("/signed?x=1"),
        )
    assert ("finished", "recording_001") == (recording["state"], recording["control_id"])
    assert AUDIO == stage.customer.download(recording["url"])
    (callback,) = stage.receiver.of_call(call_id)
    assert {"url": recording["url"], "duration": 15.5, "size": len(AUDIO), "format": "wav"} == (
        callback.body["params"]["record"]
    )
    assert callback.is_signed


def test_a_file_that_is_gone_is_told_and_can_be_asked_for_again(
    stage: Stage, files: CarrierFiles
) -> None:
    """410 is the end, with a reason; a retry finds what came back."""

    call_id, path = stage.fresh("c-gone"), "/media"
    files.held[path] = Held(body=AUDIO, statuses=(410, 200))

    event = bandwidth_event("recording-available", files.url + path, call_id)
    assert 204 == post(hook_of(stage, "bandwidth"), event)
    gone = stage.await_ended(call_id, WITHIN_S)
    assert ("error", "carrier_media_gone") == (gone["state"], gone["reason"])
    events = stage.customer.get(f"/v1/recordings/{gone['recording_id']}/events")["events"]
    assert ["HTTP 410"] == [e["detail"]["fact"] for e in events if e["event"] == "fetch_failed"]

    stage.customer.post(f"/v1/recordings/{gone['recording_id']}/retry", {})

    assert until(lambda: ["error", "finished"] == told(stage, call_id), WITHIN_S)
    assert AUDIO == stage.customer.download(stage.recording(call_id)["url"])


def test_who_says_nothing_at_the_basic_door_is_asked(stage: Stage) -> None:
    """API Gateway asks before anything runs; with user and password the event is taken."""

    user = {"username": USERNAME, "password": PASSWORD}
    secret_id = a_secret(stage, "basic", webhook_basic=user)
    told_ = stage.make_profile("basic", dialect="bandwidth", secret_id=secret_id)
    door = told_["hook_url"].replace("/hooks/bandwidth/", "/hooks/bandwidth-basic/")
    event = sample("bandwidth", "media-stream-started")

    statuses = [say(door, event, words) for words in ("", "u:p", f"{USERNAME}:{PASSWORD}")]

    assert [401, 403, 204] == statuses


def say(url: str, event: dict[str, Any], user: str) -> int:
    """Return the status of a POST by a user, or by nobody."""
    pair = base64.b64encode(user.encode()).decode()
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Basic {pair}"} if user else {}
    request = urllib.request.Request(url, json.dumps(event).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
