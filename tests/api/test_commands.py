"""Commands to live calls, as callers see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.recording import keys
from chalicelib.recording.erasure import RIPE_AFTER
from chalicelib.recording.model import Erasure, Interval, Recording, State
from tests.api.conftest import AT_US, Api, error_of
from tests.samples import CALL, a_call, a_profile, a_recording, a_stream, an_event, later

PAUSE = "/v1/calls/c-1/record_call/control-1/pause"
RESUME = "/v1/calls/c-1/record_call/control-1/resume"
DISCARD = "/v1/calls/c-1/record_call/control-1/discard"
STOP = "/v1/calls/c-1/stop_record_call"


@pytest.fixture
def live(api: Api) -> Api:
    """A live call with a recording, `control-1`."""
    api.core.profiles.create(a_profile())
    api.core.call_life.join(a_call(), a_stream())
    record(api, a_recording(intervals=(Interval(),), started_at=later(0)))
    return api


def record(api: Api, recording: Recording) -> None:
    api.core.recordings.create(recording, an_event(recording), None)


def stored(api: Api, control_id: str = "control-1") -> Recording:
    return api.core.recordings.get(keys.recording_id(CALL.key, control_id))


def another(**changes: Any) -> Recording:
    other = a_recording(
        recording_id=keys.recording_id(CALL.key, "other"),
        control_id="other",
        started_at=later(1),
        intervals=(Interval(),),
    )
    return replace(other, **changes)


def test_a_pause_is_in_effect_when_it_is_answered(live: Api) -> None:
    """The state, and which recordings of the call go on."""

    record(live, another())

    response = live.send("POST", PAUSE)

    assert (200, {"state": "paused", "still_recording": ["other"]}) == (
        response.status_code,
        response.json_body,
    )
    assert (Interval(to_us=AT_US),) == stored(live).intervals


def test_a_pause_again_is_the_same_pause(live: Api) -> None:
    """Nothing is asked of the worker, nothing changes."""

    first, second = (live.send("POST", PAUSE) for _ in range(2))

    assert first.json_body == second.json_body
    assert 1 == len([row for row in live.core.store.outbox.values() if row.state is State.PAUSED])


def test_a_silent_pause_and_what_follows_it(live: Api) -> None:
    """Each is an interval of its own."""

    live.send("POST", PAUSE, {"behavior": "silence"})
    response = live.send("POST", RESUME)

    assert {"state": "recording", "still_recording": ["control-1"]} == response.json_body
    assert (
        Interval(to_us=AT_US),
        Interval(from_us=AT_US, to_us=AT_US, silent=True),
        Interval(from_us=AT_US),
    ) == stored(live).intervals


def test_a_worker_that_does_not_answer_makes_it_a_202(live: Api) -> None:
    """After two seconds; the state is as it stands, and the command waits for the worker."""

    live.worker.is_deaf = True

    response = live.send("POST", PAUSE)

    assert (202, "recording") == (response.status_code, response.json_body["state"])
    assert pytest.approx(2.0) == live.worker.waited_s
    assert 202 == live.send("POST", STOP).status_code
    assert 202 == live.send("POST", "/v1/calls/c-1/record_call", {}).status_code
    assert 3 == len(live.core.store.commands)


def test_what_is_over_takes_no_command(live: Api) -> None:
    """409 `not_recording`; stopping it again is fine."""

    assert 200 == live.send("POST", STOP, {"control_id": "control-1"}).status_code

    assert (409, "not_recording") == error_of(live.send("POST", PAUSE))
    assert (409, "not_recording") == error_of(live.send("POST", RESUME))
    assert 200 == live.send("POST", STOP, {"control_id": "control-1"}).status_code


def test_one_that_ends_before_its_worker_pauses_it_is_not_paused(live: Api) -> None:
    """What the worker made of the command decides."""

    ended = replace(stored(live), state=State.FINALIZING, version=9)

    class Late:
        def wait(self, _seconds: float) -> None:
            live.core.store.recordings[ended.recording_id] = ended
            live.core.store.commands.clear()

    ports: Any = wiring.ports()
    ports.commands = replace(ports.commands, wait=Late().wait)
    assert (409, "not_recording") == error_of(live.send("POST", PAUSE))


def test_without_a_control_id_the_last_started_stops(live: Api) -> None:
    """SWML's rule, and SWML's result."""

    record(live, another())

    response = live.send("POST", STOP)

    assert {"stop_record_call_result": "success"} == response.json_body
    assert (State.RECORDING, State.FINALIZING) == (stored(live).state, stored(live, "other").state)


def test_a_stop_has_two_names(live: Api) -> None:
    """SWML's page of `record_call` once calls it `stop_call_record`."""

    response = live.send("POST", "/v1/calls/c-1/stop_call_record", {"control_id": "control-1"})

    assert (200, {"stop_record_call_result": "success"}) == (
        response.status_code,
        response.json_body,
    )
    assert State.FINALIZING == stored(live).state


def test_where_nothing_records_stopping_fails(live: Api) -> None:
    """409 with the reason."""

    live.send("POST", STOP)

    response = live.send("POST", STOP)

    assert (409, "not_recording") == error_of(response)
    assert ("failed", "not_recording") == (
        response.json_body["stop_record_call_result"],
        response.json_body["reason"],
    )


def test_a_pending_recording_is_stopped_without_a_worker(live: Api) -> None:
    """It fails: nothing was recorded."""

    waiting = another(state=State.PENDING, started_at=None, intervals=())
    record(live, waiting)

    assert 200 == live.send("POST", STOP, {"control_id": "other"}).status_code
    assert (State.ERROR, "stop") == (stored(live, "other").state, stored(live, "other").reason)
    assert 0 == live.worker.waited_s


def test_a_discarded_recording_is_an_error_that_is_erased(live: Api) -> None:
    """Nothing of it is finalized; discarding it again is fine, and the sweeper is due."""

    answers = [live.send("POST", DISCARD) for _ in range(2)]

    body = {"state": "error", "still_recording": []}
    assert [(200, body)] * 2 == [(one.status_code, one.json_body) for one in answers]
    recording = stored(live)
    assert ("discard", Erasure(asked_at=later(9))) == (recording.reason, recording.erasure)
    assert later(9) + RIPE_AFTER == recording.due_at
    assert [] == live.workflows.finalizations
    retry = live.send("POST", f"/v1/recordings/{recording.recording_id}/retry")
    assert (409, "erased") == error_of(retry)


def test_what_ended_otherwise_is_not_discarded(live: Api) -> None:
    """It would be kept: so the answer is no success."""

    live.send("POST", STOP)

    assert (409, "not_recording") == error_of(live.send("POST", DISCARD))


def test_one_that_ends_before_its_worker_discards_it_is_kept(live: Api) -> None:
    """The worker finds nothing to discard, and the answer says so."""

    ended = replace(stored(live), state=State.FINALIZING, version=9)

    class Late:
        def wait(self, _seconds: float) -> None:
            live.core.store.recordings[ended.recording_id] = ended
            live.core.store.commands.clear()

    ports: Any = wiring.ports()
    ports.commands = replace(ports.commands, wait=Late().wait)
    assert (409, "not_recording") == error_of(live.send("POST", DISCARD))


def test_a_pending_recording_is_discarded_without_a_worker(live: Api) -> None:
    """It is withdrawn."""

    record(live, another(state=State.PENDING, started_at=None, intervals=()))

    response = live.send("POST", DISCARD.replace("control-1", "other"))

    assert (200, "error") == (response.status_code, response.json_body["state"])
    assert "discard" == stored(live, "other").reason
    assert 0 == live.worker.waited_s


def test_record_call_on_a_live_call_records_from_now_on(live: Api) -> None:
    """201, and it is so."""

    response = live.send("POST", "/v1/calls/c-1/record_call", {"control_id": "other"})

    assert (201, "success") == (response.status_code, response.json_body["record_call_result"])
    recording = stored(live, "other")
    assert (State.RECORDING, (Interval(from_us=AT_US),)) == (recording.state, recording.intervals)
    assert {"desk": "front"} == recording.labels


def test_a_call_without_a_live_stream_takes_no_command(live: Api) -> None:
    """A recording that is asked for waits for the next stream; the rest is a 409."""

    live.core.store.streams.clear()

    assert (409, "no_live_media") == error_of(live.send("POST", PAUSE))
    response = live.send("POST", "/v1/calls/c-1/record_call", {"control_id": "other"})
    assert (202, State.PENDING) == (response.status_code, stored(live, "other").state)


def test_a_call_on_several_workers_takes_no_command(live: Api) -> None:
    """It says so, and leaves nothing behind."""

    other = a_stream(stream_key="stream-2", worker="worker-2")
    live.core.store.streams[CALL.key, "stream-2"] = other

    assert (409, "several_workers") == error_of(live.send("POST", PAUSE))
    response = live.send("POST", "/v1/calls/c-1/record_call", {"control_id": "other"})
    assert (409, "several_workers") == error_of(response)
    ended = stored(live, "other")
    assert (State.ERROR, "several_workers") == (ended.state, ended.reason)


def test_a_recording_that_failed_to_begin_never_succeeds(live: Api) -> None:
    """The same request again says the same, also when one worker has the call by then."""

    live.core.store.streams[CALL.key, "stream-2"] = a_stream(
        stream_key="stream-2", worker="worker-2"
    )
    for _ in range(2):
        response = live.send("POST", "/v1/calls/c-1/record_call", {"control_id": "other"})
        assert (409, "several_workers") == error_of(response)
        live.core.store.streams.pop((CALL.key, "stream-2"), None)


def test_a_pause_of_nothing_is_a_404(live: Api) -> None:
    """Neither an unknown call nor an unknown control id."""

    assert 404 == live.send("POST", PAUSE.replace("c-1", "c-2")).status_code
    assert 404 == live.send("POST", PAUSE.replace("control-1", "nobody")).status_code


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (PAUSE, {"behavior": "noise"}, "out_of_range"),
        (PAUSE, {"behaviour": "skip"}, "unknown_property"),
        (RESUME, {"behavior": "skip"}, "unknown_property"),
        (DISCARD, {"behavior": "skip"}, "unknown_property"),
        (STOP, {"control_id": 7}, "wrong_type"),
        (STOP, {"control_id": "${record_control_id}"}, "unresolved_variable"),
    ],
)
def test_a_wrong_property_is_a_400(live: Api, path: str, body: Any, code: str) -> None:
    """It names the key."""

    assert (400, code) == error_of(live.send("POST", path, body))
