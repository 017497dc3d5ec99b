from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import app
from chalicelib import wiring
from chalicelib.errors import DeliveryPostponed, NotFound
from chalicelib.ports.values import HttpReply
from chalicelib.recording.endpoint_health import gone
from chalicelib.recording.model import State
from chalicelib.services.intake.carrier_recordings import copy_of
from tests.api.conftest import Api
from tests.carrier_host import AUDIO, URL, FakeDownloads, an_available
from tests.fakes import FakeTexts
from tests.samples import CALL, T0, a_call, a_callback, a_profile, a_recording, an_event

RECORDING_ID = a_recording().recording_id


class Receiver:
    """Answers every callback with one status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.headers: list[dict[str, str]] = []

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> HttpReply:
        self.headers.append(headers)
        return HttpReply(status=self.status)


def owe(api: Api, status: int) -> Receiver:
    """Store a callback that is owed, and let its receiver answer so."""
    now = datetime.now(UTC)
    recording = a_recording(created_at=now)
    api.core.recordings.create(recording, an_event(recording), a_callback(recording))
    receiver = Receiver(status)
    wiring.ports().sender = receiver  # type: ignore[assignment]  # a fake of the port
    return receiver


def invoke(api: Api, name: str, event: dict[str, Any]) -> Any:
    return api.client.lambda_.invoke(name, event).payload


def attempt(api: Api) -> Any:
    webhook_id = a_callback(a_recording()).webhook_id
    event = {"recording_id": RECORDING_ID, "webhook_id": webhook_id, "round": 1}
    return invoke(api, "attempt", event)


def test_the_functions_are_those_that_the_workflows_call() -> None:
    """Their names are part of the deployment."""

    names = {function.name for function in app.pure_lambda_functions}

    assert {"assemble", "publish", "mark_error", "attempt", "sweep", "ask_carrier"} == names


def test_carriers_are_asked_to_tap_what_a_silent_worker_held(api: Api) -> None:
    """One that holds nothing needs nothing."""

    assert {} == invoke(api, "ask_carrier", {"worker": "w-1", "renewals": 7})


def test_a_carrier_is_asked_where_a_silent_call_stands(api: Api) -> None:
    """One whose profile opens no API stands nowhere."""

    wiring.ports().secrets = FakeTexts()
    api.core.profiles.create(a_profile())
    api.core.store.calls[CALL.key] = a_call()
    event = {"worker": "w-1", "call_key": CALL.key, "stream_key": "stream-1"}

    assert {"unknown": 1} == invoke(api, "ask_carrier", event)


def test_a_callback_that_is_taken_ends_its_delivery(api: Api) -> None:
    """The answer ends the workflow, and the callback was signed."""

    receiver = owe(api, 200)

    assert {"given_up": ""} == attempt(api)
    assert receiver.headers[0]["webhook-signature"].startswith("v1,")


def test_a_receiver_that_is_gone_ends_its_delivery(api: Api) -> None:
    """410: no further attempt."""

    owe(api, 410)

    assert {"given_up": "gone"} == attempt(api)


def test_a_callback_that_isnt_sent_any_more_says_so_in_the_log(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """Where its receiver is disabled: an alarm counts those lines by `given_up`."""

    receiver, row, at = owe(api, 200), a_callback(a_recording()), datetime.now(UTC)
    stopped = replace(gone(None, row.account, row.url, at), stopped="disabled")
    api.core.receivers.put(stopped)

    assert {"given_up": "disabled"} == attempt(api)
    assert [] == receiver.headers
    (line,) = caplog.records
    assert ("disabled", RECORDING_ID) == (vars(line)["given_up"], vars(line)["recording_id"])


def test_an_attempt_that_failed_tells_the_workflow_how_long_to_wait(api: Api) -> None:
    """By an error whose message is JSON: 5 s before the second attempt, ± 20 %."""

    owe(api, 500)

    with pytest.raises(DeliveryPostponed) as postponed:
        attempt(api)

    wait = json.loads(str(postponed.value))
    assert {"wait_seconds"} == wait.keys()
    assert 4 <= wait["wait_seconds"] <= 6


def finalizing(api: Api, attempt_: int = 1) -> None:
    recording = a_recording(state=State.FINALIZING, attempt=attempt_)
    api.core.calls.ensure(a_call())
    api.core.recordings.create(recording, an_event(recording), None)


def test_a_failed_attempt_is_noted_under_its_error_s_class(api: Api) -> None:
    """Where the workflow's error name says nothing, its cause has the class."""

    finalizing(api)
    cause = json.dumps({"errorType": "CorruptContainer", "errorMessage": "x"})
    failed = {"recording_id": RECORDING_ID, "attempt": 1, "error": "Runtime.HandlerError"}

    assert {"state": "finalizing"} == invoke(api, "mark_error", {**failed, "cause": cause})
    events = api.core.history.events(RECORDING_ID)
    assert {"attempt": 1, "error": "CorruptContainer"} == events[-1].detail


@pytest.mark.parametrize("cause", ["cut off {", "[]", "{}"])
def test_an_unreadable_cause_leaves_the_workflow_s_error_name(api: Api, cause: str) -> None:
    """The third attempt's failure is the recording's."""

    finalizing(api, 3)
    failed = {"recording_id": RECORDING_ID, "attempt": 3, "error": "States.Timeout"}

    assert {"state": "error"} == invoke(api, "mark_error", {**failed, "cause": cause})


def test_a_recording_of_which_nothing_was_stored_ends_as_empty(api: Api) -> None:
    """Assemble says so, Publish writes it."""

    finalizing(api)

    assembled = invoke(api, "assemble", {"recording_id": RECORDING_ID, "attempt": 1})
    event = {"recording_id": RECORDING_ID, "attempt": 1, "assembled": assembled}

    assert {"outcome": "empty", "reason": ""} == assembled
    assert {"state": "error"} == invoke(api, "publish", event)
    assert "empty" == api.core.recordings.get(RECORDING_ID).reason


def test_a_sweep_answers_what_it_did(api: Api) -> None:
    """A pending recording whose time is over becomes an error."""

    past = datetime.now(UTC) - timedelta(minutes=5)
    recording = a_recording(state=State.PENDING, created_at=past, due_at=past)
    api.core.calls.ensure(a_call(open=False, round=0))
    api.core.recordings.create(recording, an_event(recording), None)

    done = invoke(api, "sweep", {})

    assert 0 == done.get("failures", 0)
    assert State.ERROR is api.core.recordings.get(RECORDING_ID).state


def _announced(api: Api) -> str:
    """Store what a carrier's event makes, and return its id."""
    wanted = copy_of(an_available(), CALL, a_profile(), round_=1, labels={}, at=T0)
    api.core.calls.ensure(a_call(open=False, round=0))
    api.core.recordings.create(wanted.recording, wanted.event, None)
    return wanted.recording.recording_id


@pytest.mark.parametrize(
    ("held", "outcome", "reason"),
    [
        (AUDIO, "assembled", "carrier_finished"),
        (NotFound("HTTP 410", code="gone"), "lost", "carrier_media_gone"),
    ],
)
def test_a_carrier_s_file_is_fetched(
    api: Api, held: bytes | Exception, outcome: str, reason: str
) -> None:
    """Where the carrier recorded, Assemble copies, and Publish writes what came of it."""

    ports: Any = wiring.ports()
    ports.downloads = FakeDownloads({URL: held})
    api.core.profiles.create(a_profile())
    recording_id = _announced(api)

    assembled = invoke(api, "assemble", {"recording_id": recording_id, "attempt": 1})
    event = {"recording_id": recording_id, "attempt": 1, "assembled": assembled}
    state = "finished" if outcome == "assembled" else "error"

    assert outcome == assembled["outcome"]
    assert {"state": state} == invoke(api, "publish", event)
    assert reason == api.core.recordings.get(recording_id).reason
