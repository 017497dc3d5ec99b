"""`tap` and `stop_tap`, as callers see them."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.recording import keys
from chalicelib.tapping.model import TapState
from tests.api.conftest import Api, error_of
from tests.api.test_about import documented, validator
from tests.samples import CALL, a_call, a_profile, a_stream

TAP, STOP = "/v1/calls/c-1/tap", "/v1/calls/c-1/stop_tap"
RTP = {"uri": "rtp://8.8.8.8:12345", "control_id": "tap-1", "codec": "PCMA", "rtp_ptime": 30}
WS = {"uri": "wss://example.com/audio"}


@pytest.fixture
def live(api: Api) -> Api:
    """A live call."""
    api.core.profiles.create(a_profile())
    api.core.call_life.join(a_call(), a_stream())
    return api


def state(api: Api, control_id: str) -> TapState:
    return api.core.taps.get(CALL.key, keys.tap_id(CALL.key, control_id)).state


def test_an_rtp_tap_answers_with_every_variable(live: Api) -> None:
    """201, SWML's names."""

    response = live.send("POST", TAP, RTP)

    assert (
        201,
        {
            "tap_uri": "rtp://8.8.8.8:12345",
            "tap_result": "success",
            "tap_control_id": "tap-1",
            "tap_rtp_src_addr": "198.18.0.7",
            "tap_rtp_src_port": 20_000,
            "tap_ptime": 30,
            "tap_codec": "PCMA",
            "tap_rate": 8000,
        },
    ) == (response.status_code, response.json_body)
    assert TapState.TAPPING is state(live, "tap-1")


def test_a_websocket_tap_has_no_variables_of_rtp(live: Api) -> None:
    """A control id that isn't given is made."""

    response = live.send("POST", TAP, WS)

    assert 201 == response.status_code
    assert {"tap_uri", "tap_result", "tap_control_id", "tap_codec", "tap_rate"} == set(
        response.json_body
    )
    assert TapState.TAPPING is state(live, response.json_body["tap_control_id"])


def test_the_same_request_again_is_the_same_tap(live: Api) -> None:
    """Same answer, nothing told to the worker."""

    first = live.send("POST", TAP, RTP)
    live.worker.is_deaf = True

    again = live.send("POST", TAP, RTP)
    assert (201, first.json_body) == (again.status_code, again.json_body)
    assert 1 == len(live.core.store.taps)


def test_other_options_under_the_control_id_are_refused(live: Api) -> None:
    """409, and the tap stays as it is."""

    live.send("POST", TAP, RTP)

    response = live.send("POST", TAP, {**RTP, "codec": "PCMU"})
    assert (409, "control_id_taken") == error_of_failed(response)


def error_of_failed(response: Any) -> tuple[int, str]:
    """Return status and reason of an answer that says `failed`."""
    body = response.json_body
    (result,) = {"tap_result", "stop_tap_result"} & body.keys()
    assert ("failed", body["error"]["code"]) == (body[result], body["reason"])
    return response.status_code, body["reason"]


def test_a_call_without_live_media_is_not_tapped(api: Api) -> None:
    """Neither one that nobody knows, nor one that ended, nor one that ends at the moment."""

    api.core.profiles.create(a_profile())
    assert (409, "no_live_media") == error_of_failed(api.send("POST", TAP, RTP))
    api.core.call_life.join(a_call(), a_stream())
    api.worker.is_unaware = True
    assert (409, "no_live_media") == error_of_failed(api.send("POST", TAP, RTP))
    api.core.store.streams.clear()
    assert (409, "no_live_media") == error_of_failed(api.send("POST", TAP, RTP))
    assert (409, "no_live_media") == error_of_failed(
        api.send("POST", STOP.replace("c-1", "c-9"), {})
    )


def test_a_destination_that_does_not_take_it_is_told_at_once(live: Api) -> None:
    """And again, as long as the control id is the same."""

    asked = {"uri": "wss://example.com:8443/audio", "control_id": "tap-1"}
    for _ in range(2):
        assert (409, "unreachable") == error_of_failed(live.send("POST", TAP, asked))
    assert TapState.FINISHED is state(live, "tap-1")


def test_a_worker_that_does_not_answer_makes_it_a_202(live: Api) -> None:
    """What is known stands in the answer; the command waits for the worker."""

    live.worker.is_deaf = True
    response = live.send("POST", TAP, RTP)

    assert (202, "success") == (response.status_code, response.json_body["tap_result"])
    assert not {"tap_rtp_src_addr", "tap_rtp_src_port"} & response.json_body.keys()
    live.worker.is_deaf = False
    live.worker.wait(0)
    assert TapState.TAPPING is state(live, "tap-1")
    live.worker.is_deaf = True
    assert 202 == live.send("POST", STOP, {}).status_code


def test_without_a_control_id_the_most_recent_tap_stops(live: Api) -> None:
    """Then the one before; then there is none."""

    live.send("POST", TAP, {**RTP, "control_id": "a"})
    live.send("POST", TAP, {**RTP, "control_id": "b"})

    response = live.send("POST", STOP)
    assert (200, {"stop_tap_result": "success"}) == (response.status_code, response.json_body)
    assert (TapState.TAPPING, TapState.FINISHED) == (state(live, "a"), state(live, "b"))
    assert 200 == live.send("POST", STOP, {}).status_code
    assert (409, "not_tapping") == error_of_failed(live.send("POST", STOP))


def test_a_tap_is_stopped_by_its_control_id(live: Api) -> None:
    """Again is fine; one that never was is a 404."""

    live.send("POST", TAP, RTP)

    for _ in range(2):
        assert 200 == live.send("POST", STOP, {"control_id": "tap-1"}).status_code
    assert (404, "no_such_tap") == error_of(live.send("POST", STOP, {"control_id": "x"}))


def test_a_call_shows_its_taps(live: Api) -> None:
    """State, reason, options and counts."""

    live.send("POST", TAP, RTP)
    live.send("POST", STOP)

    (tap,) = live.get("/v1/calls/c-1").json_body["taps"]
    assert ("tap-1", "finished", "stop", 0) == (
        tap["control_id"],
        tap["state"],
        tap["reason"],
        tap["quality"]["messages_dropped"],
    )
    assert {**RTP, "direction": "speak"} == {**tap["options"], "control_id": "tap-1"}


def test_a_tap_tells_what_happened_to_it(live: Api) -> None:
    """In order."""

    live.send("POST", TAP, RTP)
    live.send("POST", STOP)

    told = live.get(f"{TAP}/tap-1/events").json_body["events"]
    assert ["tapping", "finished"] == [event["event"] for event in told]
    assert 404 == live.get("/v1/calls/c-9/tap/tap-1/events").status_code


def test_a_taps_callback_is_sent_again(live: Api) -> None:
    """The latest one, or the one that is named, under its own id; a tap owes what it owes."""

    live.send("POST", TAP, RTP | {"status_url": "https://example.com/taps"})
    live.send("POST", STOP)
    tap_id = keys.tap_id(CALL.key, "tap-1")
    first, last = (row.webhook_id for row in live.core.outbox.rows(tap_id))
    path = f"{TAP}/tap-1/redeliver"

    latest, named = live.send("POST", path), live.send("POST", path, {"webhook_id": first})

    assert [(202, {"webhook_id": last, "round": 2}), (202, {"webhook_id": first, "round": 2})] == [
        (answer.status_code, answer.json_body) for answer in (latest, named)
    ]
    assert [(tap_id, last, 2), (tap_id, first, 2)] == live.workflows.deliveries[-2:]
    assert 404 == live.send("POST", f"{TAP}/x/redeliver").status_code
    assert 404 == live.send("POST", "/v1/calls/c-9/tap/tap-1/redeliver").status_code


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (TAP, {}, "missing_property"),
        (TAP, {**RTP, "rtp_ptime": 25}, "out_of_range"),
        (TAP, {**RTP, "speed": 1}, "unknown_property"),
        (TAP, {"uri": "rtp://${x}:1"}, "unresolved_variable"),
        (TAP, {"uri": "wss://127.0.0.1/x"}, "url_refused"),
        (TAP.replace("c-1", "$%7Bcall_id%7D"), RTP, "unresolved_variable"),
        (STOP, {"control_id": 7}, "wrong_type"),
        (STOP, {"uri": "x"}, "unknown_property"),
    ],
)
def test_a_wrong_property_is_a_400(live: Api, path: str, body: Any, code: str) -> None:
    """It names the key."""

    assert (400, code) == error_of(live.send("POST", path, body))


def test_every_answer_is_the_documented_one(live: Api) -> None:
    """Of both methods, of a call's view and of the history."""

    live.send("POST", TAP, {**WS, "control_id": "w"})
    asked = [
        ("post", TAP, RTP, 201),
        ("post", TAP, {**RTP, "codec": "PCMU"}, 409),
        ("post", STOP, {}, 200),
        ("post", STOP, {"control_id": "w"}, 200),
        ("post", STOP, {}, 409),
        ("get", "/v1/calls/c-1", None, 200),
        ("get", f"{TAP}/tap-1/events", None, 200),
    ]
    for method, path, body, status in asked:
        response = live.send(method.upper(), path, body)
        assert status == response.status_code
        schema = documented(method, path, status)
        assert [] == list(validator(schema).iter_errors(response.json_body))


def test_a_script_taps_and_stops(live: Api) -> None:
    """As the methods' own routes do, with their variables and statuses."""

    steps = [{"tap": RTP}, {"stop_tap": {"control_id": "tap-1"}}, {"stop_tap": {}}]
    response = live.send("POST", "/v1/calls/c-1/swml", {"sections": {"main": steps}})

    results = response.json_body["results"]
    assert [201, 200, 409] == [result["status"] for result in results]
    assert ("success", "success", "failed") == (
        results[0]["tap_result"],
        results[1]["stop_tap_result"],
        results[2]["stop_tap_result"],
    )
    assert TapState.FINISHED is state(live, "tap-1")
