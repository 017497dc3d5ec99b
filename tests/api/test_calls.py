from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.recording.model import CallRef, State
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from tests.api.conftest import KEYS, PUBLIC_URL, Api, error_of
from tests.samples import (
    CALL,
    a_call,
    a_profile,
    a_recording,
    a_stream,
    an_announcement,
    an_event,
    an_inbound_event,
)

KEY = bytes.fromhex(KEYS["token_keys"][0])
SIGNALWIRE = a_profile(name="sw", dialect="signalwire-tap", carrier="signalwire")


def ask(api: Api, call_id: str = "c-9", body: Any = None, query: str = "") -> Any:
    return api.send("POST", f"/v1/calls/{call_id}/record_call{query}", body)


def test_a_call_is_shown_with_everything_that_belongs_to_it(api: Api) -> None:
    """Streams and the call as webhooks correct them, recordings, and what the carrier said."""

    api.core.call_life.join(a_call(), a_stream())
    api.core.recordings.create(a_recording(), an_event(a_recording()), None)
    api.core.inbox.accept(an_inbound_event(), None, an_announcement(), None)

    shown = api.get("/v1/calls/c-1").json_body

    assert ("c-1", "bandwidth", True, "node-7") == (
        shown["call_id"],
        shown["carrier"],
        shown["live"],
        shown["node_id"],
    )
    assert {"desk": "front", "tag": "vip"} == shown["labels"]
    assert [("s-1", None)] == [(s["carrier_stream_id"], s["ending"]) for s in shown["streams"]]
    assert ["recording"] == [recording["state"] for recording in shown["recordings"]]
    assert ["mediaStreamStarted"] == [event["event_type"] for event in shown["carrier_events"]]


@pytest.mark.parametrize("call_id", ["", "a%20b", "%C3%BC", "a" * 129, "${call.call_id}"])
def test_what_no_stream_can_name_is_no_call(api: Api, call_id: str) -> None:
    """A call id is 1 to 128 visible characters of ASCII, and filled in."""

    api.core.profiles.create(SIGNALWIRE)

    assert ask(api, call_id).status_code in (400, 403)
    assert {} == api.core.store.calls


@pytest.mark.parametrize("call_id", ["v2:T02llQxIyaRkhfRKxgAP8nY511", "a/b", "50%"])
def test_a_call_id_may_hold_any_character(api: Api, call_id: str) -> None:
    """Percent-encoded once in the path."""

    ref = CallRef(account="main", carrier="bandwidth", call_id=call_id)
    api.core.calls.ensure(a_call(ref=ref))
    encoded = "".join(f"%{byte:02X}" for byte in call_id.encode())

    assert call_id == api.get(f"/v1/calls/{encoded}").json_body["call_id"]


def test_an_unknown_call_is_a_404(api: Api) -> None:
    """There is nothing of that id."""

    assert 404 == api.get("/v1/calls/nothing").status_code


def test_two_carriers_calls_of_one_id_are_told_apart(api: Api) -> None:
    """Where the id alone is ambiguous, the carrier must be named."""

    api.core.calls.ensure(a_call())
    api.core.calls.ensure(
        a_call(ref=CallRef(account="main", carrier="signalwire", call_id=CALL.call_id))
    )

    assert (400, "ambiguous_call") == error_of(api.get("/v1/calls/c-1"))
    assert "signalwire" == api.get("/v1/calls/c-1?carrier=signalwire").json_body["carrier"]


def test_calls_are_listed(api: Api) -> None:
    """An account's, with a cursor."""

    api.core.calls.ensure(a_call())

    page = api.get("/v1/calls?limit=1").json_body

    assert (["c-1"], "") == ([call["call_id"] for call in page["calls"]], page["cursor"])


def test_record_call_before_media_is_pending(api: Api) -> None:
    """The answer has SWML's variables, and where the carrier shall stream to."""

    api.core.profiles.create(SIGNALWIRE)

    response = ask(api, body={"control_id": "greeting", "format": "mp3", "direction": "speak"})

    assert 201 == response.status_code
    told = response.json_body
    assert ("success", "greeting") == (told["record_call_result"], told["record_control_id"])
    assert told["stream_url"].startswith("wss://sink.example.com/signalwire-tap/")
    assert told["stream_url"].endswith("/c-9/speak")
    ref = CallRef(account="main", carrier="signalwire", call_id="c-9")
    (recording,) = api.core.recordings.of_call(ref.key)
    assert State.PENDING is recording.state
    assert recording.due_at is not None
    assert timedelta(minutes=5) == recording.due_at - recording.created_at


@pytest.mark.parametrize(
    ("bidirectional", "beep", "codes"),
    [(False, True, ["beep_not_played"]), (True, True, []), (False, False, [])],
)
def test_who_asks_for_a_beep_is_told_where_it_sounds(
    api: Api, bidirectional: bool, beep: bool, codes: list[str]
) -> None:
    """Only a stream that leads back carries it to the party."""

    api.core.profiles.create(
        replace(SIGNALWIRE, dialect="bandwidth", carrier="bandwidth", bidirectional=bidirectional)
    )

    told = ask(api, body={"beep": beep}).json_body

    assert codes == [warning["code"] for warning in told.get("warnings", [])]


def test_the_recording_s_url_opens_it(api: Api) -> None:
    """Its token names the recording, so that a carrier can play it for a day."""

    api.core.profiles.create(SIGNALWIRE)

    url = ask(api).json_body["record_call_url"]

    base, token = url.rsplit("/", 1)
    (recording,) = api.core.store.recordings.values()
    assert f"{PUBLIC_URL}/v1/recordings/{recording.recording_id}/download" == base
    in_23_hours = recording.created_at + timedelta(hours=23)
    claims = tokens.verify([KEY], token, TokenKind.RECORDING, in_23_hours)
    assert recording.recording_id == claims.subject


def test_the_same_request_again_gives_the_same_answer(api: Api) -> None:
    """A control id names one recording of its call."""

    api.core.profiles.create(SIGNALWIRE)

    first, second = (ask(api, body={"control_id": "a"}) for _ in range(2))

    assert (201, 201) == (first.status_code, second.status_code)
    assert 1 == len(api.core.store.recordings)


def test_other_options_under_a_taken_control_id_fail(api: Api) -> None:
    """409, with SWML's result and the reason."""

    api.core.profiles.create(SIGNALWIRE)
    ask(api, body={"control_id": "a"})

    response = ask(api, body={"control_id": "a", "stereo": True})

    assert (409, "control_id_taken") == error_of(response)
    assert ("failed", "control_id_taken") == (
        response.json_body["record_call_result"],
        response.json_body["reason"],
    )


def test_each_request_without_a_control_id_is_a_recording_of_its_own(api: Api) -> None:
    """A generated control id is in the answer."""

    api.core.profiles.create(SIGNALWIRE)

    ids = {ask(api).json_body["record_control_id"] for _ in range(2)}

    assert 2 == len(ids) == len(api.core.store.recordings)


def test_where_nothing_says_which_profile_it_must_be_named(api: Api) -> None:
    """By name, by the known call, or because there is only one."""

    assert (400, "profile_needed") == error_of(ask(api))
    api.core.profiles.create(SIGNALWIRE)
    api.core.profiles.create(a_profile())
    assert (400, "profile_needed") == error_of(ask(api))
    assert 404 == ask(api, query="?profile=nobody").status_code
    assert 201 == ask(api, query="?profile=sw").status_code
    assert 201 == ask(api).status_code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"colour": "red"}, "unknown_property"),
        ({"stereo": "yes"}, "wrong_type"),
        ({"input_sensitivity": 101}, "out_of_range"),
        ({"max_length": "${limit}"}, "unresolved_variable"),
        ({"status_url": "https://10.0.0.1/"}, "url_refused"),
    ],
)
def test_a_wrong_property_is_a_400(api: Api, body: dict[str, Any], code: str) -> None:
    """SWML's schema is held to."""

    api.core.profiles.create(SIGNALWIRE)

    assert (400, code) == error_of(ask(api, body=body))
