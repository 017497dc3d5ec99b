"""A SWML script on a call, as callers see it."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.test import HTTPResponse

from chalicelib.recording import keys
from chalicelib.recording.model import Interval, Recording, State
from tests.api.conftest import Api, error_of
from tests.carriers.samples import FIXTURES
from tests.samples import CALL, a_call, a_profile, a_stream

PATH = "/v1/calls/c-1/swml"


@pytest.fixture
def live(api: Api) -> Api:
    """A live call that nothing records."""
    api.core.profiles.create(a_profile())
    api.core.call_life.join(a_call(), a_stream())
    return api


def stored(api: Api, control_id: str) -> Recording:
    return api.core.recordings.get(keys.recording_id(CALL.key, control_id))


def post(api: Api, raw: bytes, content_type: str = "application/yaml") -> HTTPResponse:
    headers = {**api.headers, "Content-Type": content_type}
    return api.client.http.post(PATH, headers=headers, body=raw)


def run(api: Api, *methods: object) -> tuple[int, list[dict[str, Any]]]:
    """Run a script of these methods; return the status and the results."""
    response = api.send("POST", PATH, {"sections": {"main": list(methods)}})
    return response.status_code, response.json_body["results"]


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        ("yaml", "application/yaml"),
        ("yaml", "text/yaml; charset=utf-8"),
        ("yaml", "application/x-yaml"),
        ("json", "application/json"),
        ("json", "text/x-yaml"),
    ],
)
def test_the_documented_example_runs_as_it_is(live: Api, suffix: str, content_type: str) -> None:
    """It records, it stops, and what plays between is named."""

    raw = (FIXTURES / "swml" / f"record-and-play.{suffix}").read_bytes()
    response = post(live, raw, content_type)

    recorded, stopped = response.json_body["results"]
    assert (200, 201, 200) == (response.status_code, recorded["status"], stopped["status"])
    assert ("success", "success") == (
        recorded["record_call_result"],
        stopped["stop_record_call_result"],
    )
    assert "#" == stored(live, recorded["record_control_id"]).options.terminators
    assert [
        {"path": "sections.main[1].play", "method": "play"},
        {"path": "sections.main[3].play", "method": "play"},
    ] == response.json_body["skipped"]


def test_a_method_answers_as_its_own_route(live: Api) -> None:
    """The same variables, and where the method stands."""

    own = live.send("POST", "/v1/calls/c-1/record_call", {"control_id": "a"})
    _, (result,) = run(live, {"record_call": {"control_id": "a"}})

    place = {"path": "sections.main[0].record_call", "method": "record_call"}
    assert own.json_body.keys() | {"path", "method", "status"} == result.keys()
    assert {**place, "status": own.status_code, "record_control_id": "a"}.items() <= result.items()


def test_methods_run_in_order(live: Api) -> None:
    """Two recordings at once, and the one that is named stops."""

    status, results = run(
        live,
        {"record_call": {"control_id": "first"}},
        {"record_call": {"format": "mp3", "direction": "listen"}},
        {"stop_record_call": {"control_id": "first"}},
    )

    assert (200, [201, 201, 200]) == (status, [result["status"] for result in results])
    assert State.FINALIZING is stored(live, "first").state
    second = stored(live, results[1]["record_control_id"])
    assert (State.RECORDING, "mp3") == (second.state, second.options.format)
    assert 1 == len(second.intervals)


def test_what_fails_says_so_and_the_next_one_runs(live: Api) -> None:
    """A control id that is taken, one that nobody has, and a recording that begins."""

    run(live, {"record_call": {"control_id": "a"}})
    status, results = run(
        live,
        {"record_call": {"control_id": "a", "stereo": True}},
        {"stop_record_call": {"control_id": "nobody"}},
        {"record_call": {"control_id": "b"}},
    )

    assert (200, [409, 404, 201]) == (status, [result["status"] for result in results])
    assert ("failed", "control_id_taken") == (
        results[0]["record_call_result"],
        results[0]["reason"],
    )
    assert ("failed", "no_such_recording") == (
        results[1]["stop_record_call_result"],
        results[1]["reason"],
    )
    assert Interval is type(stored(live, "b").intervals[0])


def test_a_script_that_is_wrong_anywhere_runs_nowhere(live: Api) -> None:
    """A 400 whose message begins with the path."""

    methods = [{"record_call": {}}, "answer", {"record_call": {"format": "ogg"}}]
    response = live.send("POST", PATH, {"sections": {"main": methods}})

    assert (400, "out_of_range") == error_of(response)
    message = response.json_body["error"]["message"]
    assert message.startswith("sections.main[2].record_call.format: ")
    assert {} == live.core.store.recordings


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"a: *b", "not_yaml"), (b"version: 1.0.0", "not_swml"), (b"", "not_swml")],
)
def test_what_is_no_script_is_a_400(live: Api, raw: bytes, code: str) -> None:
    """Of whatever kind."""

    assert (400, code) == error_of(post(live, raw))
    assert (400, "not_json") == error_of(post(live, b"{", "application/json"))
    assert 415 == post(live, raw, "application/xml").status_code
    assert 413 == post(live, b"#" * 70_000).status_code


def test_a_call_that_nobody_knows_waits_for_its_media(api: Api) -> None:
    """As with `record_call`: pending, with the account's only profile."""

    api.core.profiles.create(a_profile())

    status, (result,) = run(api, {"record_call": {"control_id": "early"}})

    assert (200, 201) == (status, result["status"])
    assert State.PENDING is stored(api, "early").state


def test_what_needs_a_profile_is_a_400_without_one(api: Api) -> None:
    """Before anything runs; stopping needs none."""

    main = [{"stop_record_call": {}}, {"record_call": {}}]
    response = api.send("POST", PATH, {"sections": {"main": main}})

    assert (400, "profile_needed") == error_of(response)
    status, (result,) = run(api, "stop_record_call")
    assert (200, 404, "no_such_call") == (status, result["status"], result["reason"])
    response = api.send("POST", "/v1/calls/%20/swml", {"sections": {"main": []}})
    assert (400, "bad_call_id") == error_of(response)


def test_a_worker_that_does_not_answer_makes_it_a_202(live: Api) -> None:
    """The whole answer and the method's own."""

    live.worker.is_deaf = True

    status, (result,) = run(live, {"record_call": {}})

    assert (202, 202) == (status, result["status"])


def test_a_key_is_needed(live: Api) -> None:
    """Before anything is read."""

    response = live.client.http.post(PATH, headers={"Content-Type": "text/yaml"}, body=b"a: *b")

    assert (401, "unauthenticated") == error_of(response)


@pytest.mark.parametrize("stop", ["stop_call_record", {"stop_call_record": {}}])
def test_a_stop_by_its_other_name_stops(live: Api, stop: object) -> None:
    """It is no method to be skipped; its path is as it was written, its result is SWML's."""

    status, (recorded, stopped) = run(live, {"record_call": {"control_id": "a"}}, stop)

    assert (200, 201, "success") == (status, recorded["status"], stopped["stop_record_call_result"])
    assert ("sections.main[1].stop_call_record", "stop_record_call") == (
        stopped["path"],
        stopped["method"],
    )
    assert State.FINALIZING == stored(live, "a").state


def test_booleans_and_numbers_may_be_text(live: Api) -> None:
    """As SignalWire fills variables in; what is stored is a boolean and a number."""

    raw = b'sections: {main: [record_call: {control_id: a, stereo: "true", max_length: "300"}]}'

    assert 200 == post(live, raw).status_code
    options = stored(live, "a").options
    assert (True, 300.0) == (options.stereo, options.max_length_s)
    assert (bool, float) == (type(options.stereo), type(options.max_length_s))
