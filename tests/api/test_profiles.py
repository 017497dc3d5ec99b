from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import yaml

from tests.api.conftest import Api, error_of

OFFICE: dict[str, Any] = {
    "name": "office",
    "dialect": "signalwire-tap",
    "record_call": {"format": "mp3", "stereo": True},
    "status_url": "https://customer.example.com/status",
    "encoding": "PCMA",
    "labels": {"desk": "7"},
    "project_id": "p-1",
    "space_id": "s-1",
    "retention_days": 90,
    "secret_id": "tapedeck/main/sw-key",
    "tokened_url": True,
}


def test_a_profile_is_created_shown_listed_changed_and_deleted(api: Api) -> None:
    """The life of a profile."""

    created = api.send("POST", "/v1/profiles", OFFICE)
    assert 201 == created.status_code
    shown = api.get("/v1/profiles/office").json_body
    assert created.json_body == shown
    assert ("signalwire", "mp3") == (shown["carrier"], shown["record_call"]["format"])
    assert [shown] == api.get("/v1/profiles").json_body["profiles"]

    changed = api.send("PATCH", "/v1/profiles/office", {"record_call": None, "labels": {}})
    assert (200, None, {}) == (
        changed.status_code,
        changed.json_body["record_call"],
        changed.json_body["labels"],
    )
    assert "https://customer.example.com/status" == changed.json_body["status_url"]

    assert (204, b"") == _status_and_body(api.send("DELETE", "/v1/profiles/office"))
    assert (404, "no_such_profile") == error_of(api.get("/v1/profiles/office"))
    assert 404 == api.send("DELETE", "/v1/profiles/office").status_code
    assert 404 == api.send("PATCH", "/v1/profiles/office", {}).status_code


def _status_and_body(response: Any) -> tuple[int, bytes]:
    return response.status_code, response.body


def test_every_property_comes_back_as_it_was_given(api: Api) -> None:
    """What a profile shows can be sent again; only record_call's defaults are filled in."""

    shown = api.send("POST", "/v1/profiles", OFFICE).json_body

    assert OFFICE == {**{key: shown[key] for key in OFFICE}, "record_call": OFFICE["record_call"]}
    again = {key: shown[key] for key in OFFICE} | {"name": "again"}
    assert 201 == api.send("POST", "/v1/profiles", again).status_code


def test_booleans_and_numbers_may_be_text(api: Api) -> None:
    """As a variable of SWML is filled in; they are shown as what they are."""

    options = {"stereo": "true", "beep": "false", "max_length": "300", "initial_timeout": "0.5"}
    changed = {"retention_days": "90", "tokened_url": "false", "record_call": options}

    shown = api.send("POST", "/v1/profiles", {**OFFICE, **changed}).json_body

    assert (90, False) == (shown["retention_days"], shown["tokened_url"])
    assert {"stereo": True, "beep": False, "max_length": 300.0, "initial_timeout": 0.5} == {
        key: shown["record_call"][key] for key in options
    }


def test_a_bandwidth_profile_can_lead_both_ways(api: Api) -> None:
    """Its document says so; a dialect that takes nothing back refuses."""

    api.send("POST", "/v1/profiles", {"name": "bw", "dialect": "bandwidth"})
    changed = api.send("PATCH", "/v1/profiles/bw", {"bidirectional": True})
    told = api.get("/v1/profiles/bw/instructions").json_body

    assert changed.json_body["bidirectional"] is True
    assert 'mode="bidirectional"' in told["documents"]["bxml"]
    api.send("POST", "/v1/profiles", OFFICE)
    refused = api.send("PATCH", "/v1/profiles/office", {"bidirectional": True})
    assert (400, "out_of_range") == error_of(refused)


def test_a_name_can_be_taken_once(api: Api) -> None:
    """The second of its name is a conflict."""

    api.send("POST", "/v1/profiles", OFFICE)

    assert (409, "profile_exists") == error_of(api.send("POST", "/v1/profiles", OFFICE))


@pytest.mark.parametrize(
    ("change", "code", "key"),
    [
        ({"name": None}, "wrong_type", "name"),
        ({"name": "Office"}, "out_of_range", "name"),
        ({"dialect": "twilio"}, "out_of_range", "dialect"),
        ({"colour": "red"}, "unknown_property", "colour"),
        ({"carrier": "signalwire"}, "unknown_property", "carrier"),
        ({"record_call": "yes"}, "wrong_type", "record_call"),
        ({"record_call": {"format": "ogg"}}, "out_of_range", 'not "ogg"'),
        (
            {"record_call": {"stereo": "yes"}},
            "wrong_type",
            'stereo must be true or false, not "yes"',
        ),
        ({"record_call": {"max_length": "abc"}}, "wrong_type", 'number, not "abc"'),
        ({"record_call": {"max_length": "1e999"}}, "out_of_range", 'not "1e999"'),
        ({"record_call": {"control_id": "c"}}, "unknown_property", "control_id"),
        ({"status_url": "http://127.0.0.1:9001/"}, "url_refused", "status_url"),
        ({"status_url": 7}, "wrong_type", "status_url"),
        ({"encoding": "OPUS"}, "out_of_range", "encoding"),
        ({"labels": []}, "wrong_type", "labels"),
        ({"labels": {"a": 1}}, "wrong_type", "labels.a"),
        ({"labels": {"a b": "1"}}, "out_of_range", 'not "a b"'),
        ({"labels": {"a": "1" * 257}}, "out_of_range", "labels.a"),
        ({"labels": {str(n): "1" for n in range(33)}}, "out_of_range", "labels"),
        ({"retention_days": -1}, "out_of_range", "retention_days"),
        ({"retention_days": 1.5}, "wrong_type", "retention_days"),
        ({"retention_days": "2"}, "out_of_range", "retention_days"),
        ({"retention_days": True}, "wrong_type", "retention_days"),
        ({"tokened_url": "no"}, "wrong_type", "tokened_url"),
        ({"bidirectional": 1}, "wrong_type", "bidirectional"),
        ({"bidirectional": True}, "out_of_range", "bidirectional"),
        ({"project_id": "p" * 257}, "out_of_range", "project_id"),
        ({"secret_id": "somebody-elses"}, "out_of_range", "secret_id"),
    ],
)
def test_a_wrong_value_is_a_400_that_names_its_key(
    api: Api, change: dict[str, Any], code: str, key: str
) -> None:
    """Strict about names, types and ranges; nothing is stored."""

    response = api.send("POST", "/v1/profiles", {**OFFICE, **change})

    assert (400, code) == error_of(response)
    assert key in response.json_body["error"]["message"]
    assert [] == api.get("/v1/profiles").json_body["profiles"]


@pytest.mark.parametrize("key", ["name", "dialect"])
def test_name_and_dialect_are_needed(api: Api, key: str) -> None:
    """A profile without one of them is nothing."""

    body = {name: value for name, value in OFFICE.items() if name != key}

    assert (400, "missing_property") == error_of(api.send("POST", "/v1/profiles", body))


@pytest.mark.parametrize("change", [{"name": "other"}, {"dialect": "bandwidth"}])
def test_name_and_dialect_can_t_change(api: Api, change: dict[str, str]) -> None:
    """Tokens and calls hang on them."""

    api.send("POST", "/v1/profiles", OFFICE)

    response = api.send("PATCH", "/v1/profiles/office", change)

    assert (400, "unknown_property") == error_of(response)


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", "not_json"), (b"[1]", "not_an_object"), (b'{"a":NaN}', "not_json")]
)
def test_a_body_is_a_json_object(api: Api, body: bytes, code: str) -> None:
    """Anything else is refused with a code of its own."""

    headers = {**api.headers, "Content-Type": "application/json; charset=utf-8"}

    response = api.client.http.post("/v1/profiles", headers=headers, body=body)

    assert (400, code) == error_of(response)


def test_a_body_has_64_kib_at_most(api: Api) -> None:
    """The limit holds for customers too."""

    response = api.send("POST", "/v1/profiles", {"name": "x" * 65_536})

    assert (413, "too_large") == error_of(response)


def test_instructions_have_everything_as_json(api: Api) -> None:
    """URLs and documents in one answer."""

    api.send("POST", "/v1/profiles", OFFICE)

    told = api.get("/v1/profiles/office/instructions").json_body

    names = {"swml.yaml", "swml.json", "swml-try.yaml", "swml-try.json"}
    assert names == told["documents"].keys() == told["notes"].keys()
    assert told["hook_url"].startswith("https://api.example.com/api/hooks/signalwire/")
    assert 2 == len(told["stream_urls"])


@pytest.mark.parametrize(
    ("document", "content_type"),
    [("swml.yaml", "application/yaml"), ("swml.json", "application/json")],
)
def test_a_document_can_be_had_as_it_is(api: Api, document: str, content_type: str) -> None:
    """Ready to be given to the carrier, with its own media type."""

    api.send("POST", "/v1/profiles", OFFICE)

    response = api.get(f"/v1/profiles/office/instructions?document={document}&sides=mixed")

    assert (200, content_type) == (response.status_code, response.headers["Content-Type"])
    read = yaml.safe_load if document.endswith("yaml") else json.loads
    (step,) = read(response.body)["sections"]["main"]
    assert ("both", "PCMA") == (step["tap"]["direction"], step["tap"]["codec"])


def test_bandwidth_s_document_is_bxml(api: Api) -> None:
    """Labels become stream parameters."""

    api.send("POST", "/v1/profiles", {"name": "bw", "dialect": "bandwidth"})

    response = api.get("/v1/profiles/bw/instructions?document=bxml&label.team=a")

    assert "application/xml" == response.headers["Content-Type"]
    params = fromstring(response.body.decode().partition("\n")[2]).findall(".//StreamParam")
    assert [{"name": "team", "value": "a"}] == [param.attrib for param in params]


def test_bandwidth_s_document_for_trying_keeps_the_call_up(api: Api) -> None:
    """It can be had by its name, and the JSON answer says what each is for."""

    api.send("POST", "/v1/profiles", {"name": "bw", "dialect": "bandwidth"})

    response = api.get("/v1/profiles/bw/instructions?document=bxml-try")
    notes = api.get("/v1/profiles/bw/instructions").json_body["notes"]

    assert (200, "application/xml") == (response.status_code, response.headers["Content-Type"])
    *_, pause = fromstring(response.body.decode().partition("\n")[2])
    assert ("Pause", "60") == (pause.tag, pause.get("duration"))
    assert notes["bxml"].startswith("Your own verbs must follow")
    assert notes["bxml-try"].startswith("For trying only")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("document=bxml", 404, "no_such_document"),
        ("sides=left", 400, "out_of_range"),
        ("colour=red", 400, "unknown_parameter"),
        ("sides=both&sides=speak", 400, "repeated_parameter"),
    ],
)
def test_a_question_that_can_t_be_answered_is_refused(
    api: Api, query: str, status: int, code: str
) -> None:
    """Parameters are read strictly."""

    api.send("POST", "/v1/profiles", OFFICE)

    assert (status, code) == error_of(api.get(f"/v1/profiles/office/instructions?{query}"))
