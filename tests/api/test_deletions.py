"""DELETE of a recording: who finds it afterwards, and who may not be deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.api.requests import now
from chalicelib.errors import Unavailable
from chalicelib.ports.aws import RenditionVersions
from chalicelib.recording import keys as naming
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Recording, RecordOptions, State
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.services.erasure.delete import RecordingDeleter
from tests.api.conftest import Api, error_of
from tests.api.test_recordings import finished
from tests.fakes_media import FakeRenditionVersions
from tests.samples import ASKER, CALL, a_call, a_profile, a_recording, an_event, later


@pytest.fixture
def ended(api: Api) -> Api:
    """A call whose recording finished."""
    api.core.profiles.create(a_profile())
    api.core.calls.ensure(a_call(open=False))
    write(api, finished())
    return api


def write(api: Api, recording: Recording) -> None:
    api.core.recordings.create(recording, an_event(recording), None)


def path(recording: Recording | None = None) -> str:
    return f"/v1/recordings/{(recording or finished()).recording_id}"


def test_a_deleted_recording_is_found_nowhere(ended: Api) -> None:
    """404 for everything that names it, and no listing shows it."""

    assert 204 == ended.send("DELETE", path()).status_code

    asked = ["", "/events", "/download"]
    assert [404] * 3 == [ended.get(path() + part).status_code for part in asked]
    posted = ["/redeliver", "/retry"]
    assert [404] * 2 == [ended.send("POST", path() + part).status_code for part in posted]
    assert 404 == ended.send("DELETE", path()).status_code
    assert [] == ended.get("/v1/recordings").json_body["recordings"]
    assert [] == ended.get(f"/v1/calls/{CALL.call_id}").json_body["recordings"]


def test_a_token_opens_a_deleted_recording_no_more(ended: Api) -> None:
    """Who has the link finds nothing."""

    keys, expires_at = wiring.ports().token_keys(), now() + timedelta(hours=1)
    recording_id = finished().recording_id
    token = tokens.issue(keys, TokenKind.RECORDING, "main", recording_id, expires_at)
    ended.send("DELETE", path())

    response = ended.get(f"{path()}/download/{token}", headers={})

    assert (404, "no_such_recording") == error_of(response)


def test_a_tombstone_says_nothing_of_what_it_was(ended: Api) -> None:
    """Ids, times and the end stay; the sweeper is due at once; the deletion is in the history."""

    ended.send("DELETE", path())

    row = ended.core.store.recordings[finished().recording_id]
    assert row.erasure is not None
    assert row.erasure.asked_at == row.due_at
    assert (RecordOptions(), {}, "", ()) == (
        row.options,
        row.labels,
        row.status_url,
        row.renditions,
    )
    events = [event.event for event in ended.core.history.events(row.recording_id)]
    assert "deleted" == events[-1]


def test_the_control_id_of_a_deleted_recording_stays_taken(ended: Api) -> None:
    """The same request again would otherwise silently mean another recording."""

    ended.send("DELETE", path())

    body = {"control_id": finished().control_id}
    response = ended.send("POST", f"/v1/calls/{CALL.call_id}/record_call", body)

    assert (409, "recording_deleted") == error_of(response)
    pause = f"/v1/calls/{CALL.call_id}/record_call/{finished().control_id}/pause"
    assert 404 == ended.send("POST", pause).status_code


@pytest.mark.parametrize("state", [State.PENDING, State.RECORDING, State.PAUSED])
def test_what_still_records_is_not_deleted(api: Api, state: State) -> None:
    """It is stopped or discarded first."""

    recording = a_recording(state=state)
    write(api, recording)

    assert (409, "still_recording") == error_of(api.send("DELETE", path(recording)))


def test_what_is_being_finalized_is_deleted_a_little_later(api: Api) -> None:
    """The answer says when to ask again."""

    recording = a_recording(state=State.FINALIZING)
    write(api, recording)

    response = api.send("DELETE", path(recording))

    assert (409, "not_finished") == error_of(response)
    assert "10" == response.headers["Retry-After"]


def test_object_lock_keeps_a_recording(ended: Api) -> None:
    """It stays as it is, for as long as its version is locked."""

    ports: Any = wiring.ports()
    prefix = naming.recording_prefix("main", finished().recording_id)
    ports.rendition_versions.locked[prefix + "recording.wav"] = now() + timedelta(days=1)

    assert (409, "locked") == error_of(ended.send("DELETE", path()))

    assert 200 == ended.get(path()).status_code


def test_what_was_discarded_can_be_deleted_too(api: Api) -> None:
    """Its erasure goes on as it was."""

    recording = a_recording(state=State.RECORDING)
    api.core.calls.ensure(a_call())
    write(api, recording)
    wiring.ports().control.end_recording(recording.recording_id, Cause.DISCARD, later(9))
    before = api.core.store.recordings[recording.recording_id]

    assert 204 == api.send("DELETE", path(recording)).status_code

    row = api.core.store.recordings[recording.recording_id]
    assert row.erasure is not None
    assert before.erasure is not None
    assert (before.due_at, before.erasure.asked_at) == (row.due_at, row.erasure.asked_at)
    assert row.erasure.is_deletion


@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_crash_while_deleting_is_mended_by_asking_again(ended: Api, n: int, acts: bool) -> None:
    """It is deleted once, and told once."""

    faults = ended.core.faults
    versions: RenditionVersions = faults.wrap(FakeRenditionVersions())
    deleter = RecordingDeleter(
        recordings=ended.core.recordings, versions=versions, now=lambda: later(99)
    )
    (faults.after if acts else faults.before)(n)
    for _ in range(2):
        try:
            deleter.delete(finished().recording_id, ASKER)
        except Unavailable:
            continue

    events = [e.event for e in ended.core.history.events(finished().recording_id)]
    assert 1 == events.count("deleted")
