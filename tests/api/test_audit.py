"""Who asked for what stands in the API's log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_recordings import RECORDING_ID, finished, keep, token

KEY_ID = "0" * 12
"""the fixture's key is made of zeros"""
PATH = f"/v1/recordings/{RECORDING_ID}"
FACTS = (
    *("action", "status", "account", "by", "key_id", "code", "request"),
    *("recording_id", "call_id", "control_id", "profile"),
)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that returns the audit lines so far."""

    def audited() -> list[dict[str, Any]]:
        records = [vars(one) for one in caplog.records if one.getMessage() == "Audit"]
        return [{name: one[name] for name in FACTS if name in one} for one in records]

    return audited


@pytest.mark.parametrize(
    ("method", "path", "action", "status"),
    [
        ("GET", PATH, "get_recording", 200),
        ("GET", f"{PATH}/events", "list_events", 200),
        ("GET", f"{PATH}/download", "download", 302),
        ("GET", f"{PATH}/proof", "download_proof", 404),
        ("HEAD", f"{PATH}/download", "head_download", 200),
        ("HEAD", f"{PATH}/proof", "head_proof", 404),
        ("POST", f"{PATH}/redeliver", "redeliver_callback", 404),
        ("POST", f"{PATH}/renditions", "request_rendition", 200),
        ("DELETE", PATH, "delete_recording", 204),
    ],
)
def test_what_is_asked_of_a_recording_is_noted(
    api: Api, lines: Any, method: str, path: str, action: str, status: int
) -> None:
    """Reads, deletions, redeliveries: the key, the recording, and how it was answered."""

    keep(api, finished())

    body = {"format": "wav"} if action == "request_rendition" else {}
    answer = api.send(method, path, None if method in ("GET", "HEAD") else body)

    (line,) = lines()
    assert status == answer.status_code
    assert (action, status, RECORDING_ID) == (line["action"], line["status"], line["recording_id"])
    assert ("main", "key", KEY_ID) == (line["account"], line["by"], line["key_id"])


@pytest.mark.parametrize("command", ["pause", "resume", "discard"])
def test_commands_are_noted(api: Api, lines: Any, command: str) -> None:
    """With call and control id, whatever came of them."""

    path = f"/v1/calls/c-1/record_call/control-1/{command}"

    answer = api.send("POST", path, {})

    (line,) = lines()
    assert (f"{command}_recording", answer.status_code, "c-1", "control-1", KEY_ID) == (
        *(line[name] for name in ("action", "status", "call_id", "control_id")),
        line["key_id"],
    )
    assert "no_such_call" == line["code"]


def test_a_link_is_noted_without_its_token(api: Api, lines: Any) -> None:
    """Whoever holds it is nobody in particular."""

    keep(api, finished())
    link = token(RECORDING_ID)

    api.get(f"{PATH}/download/{link}", headers={})

    (line,) = lines()
    assert ("download_with_token", 302, "token", "") == (
        *(line[name] for name in ("action", "status", "by")),
        line["key_id"],
    )
    assert link not in repr(line)


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (PATH, {}, "unauthenticated"),
        (PATH, {"Authorization": f"Bearer tdk_{KEY_ID}_{'1' * 64}"}, "unauthenticated"),
        (f"{PATH}/download/abc", {}, "token_invalid"),
    ],
)
def test_who_is_refused_is_noted_as_nobody(
    api: Api, lines: Any, path: str, headers: dict[str, str], code: str
) -> None:
    """What they said of themselves isn't written down: it may be half a right key."""

    keep(api, finished())
    api.get(PATH)

    api.get(path, headers=headers)

    refused = lines()[-1]
    assert (401, code) == (refused["status"], refused["code"])
    assert {"account", "by", "key_id"}.isdisjoint(refused)


@pytest.mark.parametrize("path", ["/v1/health", "/v1/openapi.json"])
def test_what_anybody_may_ask_is_not_noted(api: Api, lines: Any, path: str) -> None:
    """Only a line with somebody in it says anything, or one that somebody was kept out."""

    api.get(path)

    assert [] == lines()


@pytest.mark.parametrize(
    "call_id", ["+15551112222", "15551112222", "sip%3Aalice%40example.com", "c%20d", "a" * 129]
)
def test_what_could_name_a_person_is_withheld(api: Api, lines: Any, call_id: str) -> None:
    """A client can write anything into a path."""

    api.get(f"/v1/calls/{call_id}")

    assert ["withheld"] == [line["call_id"] for line in lines()]


def test_what_opens_audio_stands_in_the_history_too(api: Api) -> None:
    """With the key, for as long as there is a row of the recording."""

    keep(api, finished())
    api.get(f"{PATH}/download")
    api.get(f"{PATH}/download/{token(RECORDING_ID)}", headers={})
    api.send("DELETE", PATH)

    told = [(one.event, one.detail) for one in api.core.history.events(RECORDING_ID)][1:]
    assert [
        ("downloaded", {"by": "key", "key_id": KEY_ID, "format": "wav"}),
        ("downloaded", {"by": "token", "format": "wav"}),
        ("deleted", {"by": "key", "key_id": KEY_ID}),
    ] == told
