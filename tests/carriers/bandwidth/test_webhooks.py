"""Bandwidth's webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Track
from chalicelib.carriers.bandwidth import webhooks
from chalicelib.carriers.contract.webhook import (
    CarrierRecording,
    Leg,
    StreamAnnounced,
    StreamState,
    UnknownEvent,
)
from chalicelib.errors import InvalidRequest
from tests.carriers.samples import ABSENT, ANY_JSON, changed, encoded, names, sample

STARTED = sample("bandwidth", "media-stream-started")
STOPPED = sample("bandwidth", "media-stream-stopped")
BROKEN = sample("bandwidth", "media-stream-stopped-connection-error")
REJECTED = sample("bandwidth", "media-stream-rejected-duplicate")
AVAILABLE = sample("bandwidth", "recording-available")
COMPLETE = sample("bandwidth", "record-complete")
EVENTS = names("bandwidth", "media-stream", "record")


def stream(body: dict[str, Any]) -> StreamAnnounced:
    event = webhooks.parse(encoded(body))
    assert isinstance(event, StreamAnnounced)
    return event


def recording(body: dict[str, Any]) -> CarrierRecording:
    event = webhooks.parse(encoded(body))
    assert isinstance(event, CarrierRecording)
    return event


def refusal(body: Any) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        webhooks.parse(body if isinstance(body, bytes) else encoded(body))
    return refused.value.code, refused.value.message.partition(":")[0]


@pytest.mark.parametrize("name", EVENTS)
def test_every_documented_event_is_read(name: str) -> None:
    """Each sample is one of ours, under its call, with its time, and stored whole."""

    body = sample("bandwidth", name)
    event = webhooks.parse(encoded(body))

    assert not isinstance(event, UnknownEvent)
    assert (body["callId"], body["eventType"]) == (event.facts.call_id, event.facts.event_type)
    assert event.facts.event_time is not None
    assert body == json.loads(event.facts.body)


def test_started_whole() -> None:
    """The documented start: the stream, its tracks, and all that it tells of the leg."""

    event = stream(STARTED)

    assert StreamState.STARTED is event.state
    assert "s-95ac90b3-bfc81595-35fc-4b64-8265-fab6855b74a2" == event.carrier_stream_id
    assert (Track.INBOUND, Track.OUTBOUND) == event.tracks
    assert ("example_stream", "wss://websocket.myapp.example") == (event.stream_name, event.uri)
    assert datetime(2022, 6, 30, 18, 55, 2, 489000, UTC) == event.started_at
    assert datetime(2022, 6, 30, 18, 55, 2, 489000, UTC) == event.facts.event_time
    expected = Leg(
        call_direction="outbound",
        caller="+15551112222",
        callee="+15553334444",
        carrier_account_id="55555555",
        application_id="7fc9698a-b04a-468b-9e8f-91238c0d0086",
        call_url=STARTED["callUrl"],
        started_at=datetime(2022, 6, 30, 18, 54, 59, 175000, UTC),
        answered_at=datetime(2022, 6, 30, 18, 55, 2, 80000, UTC),
        enqueued_at=datetime(2022, 6, 30, 18, 54, 59, 172000, UTC),
    )
    assert expected == event.facts.leg


def test_fields_of_the_current_pages() -> None:
    """What newer pages add is read: tag, privacy, the caller's name."""

    event = stream(
        STARTED | {"tag": "vip", "privacy": "full", "callerDisplayName": "A", "from": "Private"}
    )

    assert {"tag": "vip"} == event.facts.labels
    leg = event.facts.leg
    assert ("full", "A", "Private") == (leg.privacy, leg.caller_display_name, leg.caller)


def test_privacy_has_no_documented_type() -> None:
    """Whatever privacy is, it refuses no event."""

    assert "" == stream(STARTED | {"privacy": True}).facts.leg.privacy


def test_stopped_tells_its_cause_and_nine_digits() -> None:
    """The documented stop."""

    event = stream(STOPPED)

    assert (StreamState.STOPPED, "closed", "") == (event.state, event.cause, event.error_message)
    assert 112.217257 == event.duration_s


def test_a_broken_connection_tells_its_message() -> None:
    """A stop that isn't clean says why."""

    event = stream(BROKEN)

    assert ("connection-error", "websocket closed abnormally") == (event.cause, event.error_message)
    assert 3.5 == event.duration_s


def test_rejected_names_the_stream_that_is_in_the_way() -> None:
    """The documented duplicate: its own stream and the one that has its name."""

    event = stream(REJECTED)

    assert (StreamState.REJECTED, "duplicate") == (event.state, event.cause)
    assert "s-95ac90b3-a2b4fd9b-579c-4cc7-898e-3d257c7a042b" == event.carrier_stream_id
    assert "s-95ac90b3-e9cd80fa-fca7-4d12-9109-2990afe4d8c5" == event.original_stream_id
    assert (Track.OUTBOUND,) == event.tracks


def test_a_token_in_the_destination_is_redacted() -> None:
    """Our own stream URL comes back to us in every event, and its token isn't stored."""

    body = changed(STARTED, "mediaStream.destination", "wss://sink.example/bandwidth/tok-1")
    event = stream(body | {"errorMessage": "no answer from wss://sink.example/bandwidth/tok-1"})

    assert "wss://sink.example/bandwidth/[redacted]" == event.uri
    assert "no answer from wss://sink.example/bandwidth/[redacted]" == event.error_message
    assert "tok-1" not in event.facts.body


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("accountId", ABSENT),
        ("answerTime", ABSENT),
        ("answerTime", "yesterday"),
        ("applicationId", ABSENT),
        ("callUrl", ABSENT),
        ("direction", ABSENT),
        ("enqueuedTime", ABSENT),
        ("eventTime", ABSENT),
        ("eventTime", "2022"),
        ("from", ABSENT),
        ("to", None),
        ("startTime", "2019-09-13-16:48:27.198Z"),
        ("mediaStream.name", ABSENT),
        ("mediaStream.destination", ABSENT),
        ("mediaStream.startTime", "soon"),
        ("mediaStream.duration", "long"),
        ("mediaStream.tracks", ABSENT),
        ("mediaStream.tracks", ["inbound", "inbound", "sideways"]),
        ("mediaStream.type", ABSENT),
    ],
)
def test_what_nothing_depends_on_may_be_missing(path: str, value: Any) -> None:
    """An event is refused only for what it can't do without: its call and its stream."""

    event = stream(changed(STARTED, path, value))

    assert STARTED["mediaStream"]["id"] == event.carrier_stream_id


@pytest.mark.parametrize(
    ("body", "path", "value", "expected"),
    [
        (STARTED, "eventType", ABSENT, ("missing_field", "eventType")),
        (STARTED, "eventType", None, ("wrong_type", "eventType")),
        (STARTED, "callId", ABSENT, ("missing_field", "callId")),
        (STARTED, "callId", "", ("wrong_type", "callId")),
        (STARTED, "callId", 5, ("wrong_type", "callId")),
        (STARTED, "from", 5, ("wrong_type", "from")),
        (STARTED, "eventTime", 5, ("wrong_type", "eventTime")),
        (STARTED, "tag", [], ("wrong_type", "tag")),
        (STARTED, "mediaStream", ABSENT, ("missing_field", "mediaStream")),
        (STARTED, "mediaStream", "s-1", ("wrong_type", "mediaStream")),
        (STARTED, "mediaStream.id", ABSENT, ("missing_field", "mediaStream.id")),
        (STARTED, "mediaStream.id", "a b", ("wrong_type", "mediaStream.id")),
        (STARTED, "mediaStream.tracks", "both", ("wrong_type", "mediaStream.tracks")),
        (STARTED, "mediaStream.tracks", [1], ("wrong_type", "mediaStream.tracks[0]")),
        (STOPPED, "cause", 5, ("wrong_type", "cause")),
        (BROKEN, "errorMessage", {}, ("wrong_type", "errorMessage")),
        (STOPPED, "mediaStream.duration", 5, ("wrong_type", "mediaStream.duration")),
        (REJECTED, "originalMediaStream", [], ("wrong_type", "originalMediaStream")),
        (REJECTED, "originalMediaStream.id", ABSENT, ("missing_field", "originalMediaStream.id")),
        (AVAILABLE, "recordingId", ABSENT, ("missing_field", "recordingId")),
        (AVAILABLE, "mediaUrl", ABSENT, ("missing_field", "mediaUrl")),
        (AVAILABLE, "channels", "two", ("wrong_type", "channels")),
        (AVAILABLE, "status", 5, ("wrong_type", "status")),
        (COMPLETE, "callId", ABSENT, ("missing_field", "callId")),
    ],
)
def test_each_broken_field_is_named(
    body: dict[str, Any], path: str, value: Any, expected: tuple[str, str]
) -> None:
    """What an event needs and lacks, or has of a wrong type, is told with its path."""

    assert expected == refusal(changed(body, path, value))


def test_what_is_no_json_is_refused() -> None:
    """XML is told apart at once."""

    assert ("not_json", "body") == refusal(b"<Response/>")


def test_available_whole() -> None:
    """The documented recording, with a time that names no zone."""

    event = recording(AVAILABLE)

    assert ("complete", True, AVAILABLE["mediaUrl"]) == (
        event.status,
        event.is_available,
        event.url,
    )
    assert "r-115da407-e3d9-4ea7-889f-5f4ad7386a80" == event.carrier_recording_id
    assert ("wav", 1, 20.056) == (event.format, event.channels, event.duration_s)
    assert datetime(2019, 9, 13, 16, 48, 29, 235000, UTC) == event.started_at
    assert datetime(2019, 9, 13, 16, 48, 48, 890000, UTC) == event.ended_at
    assert datetime(2019, 9, 13, 16, 49, 40, 500000, UTC) == event.facts.event_time
    assert event.facts.leg.started_at is None


def test_the_malformed_date_is_read() -> None:
    """The published example with a dash for the T."""

    event = recording(sample("bandwidth", "recording-available-with-enqueued-time"))

    assert datetime(2019, 9, 13, 16, 48, 27, 198000, UTC) == event.facts.leg.enqueued_at


@pytest.mark.parametrize(
    ("status", "is_available"),
    [
        ("complete", True),
        ("partial", True),
        ("error", False),
        ("processing", False),
        ("deleted", False),
        ("new", False),
    ],
)
def test_a_file_is_there_when_the_status_says_so(status: str, is_available: bool) -> None:
    """Only a complete or partial recording can be fetched; another needs no URL."""

    url = AVAILABLE["mediaUrl"] if is_available else ABSENT
    event = recording(changed(changed(AVAILABLE, "status", status), "mediaUrl", url))

    assert (status, is_available) == (event.status, event.is_available)


@pytest.mark.parametrize("event_type", ["recordComplete", "recordingComplete"])
def test_both_spellings_of_complete(event_type: str) -> None:
    """Pages and OpenAPI disagree on the name; without a status it is complete."""

    event = recording(COMPLETE | {"eventType": event_type})

    assert ("complete", True) == (event.status, event.is_available)
    assert datetime(2019, 9, 13, 16, 48, 26, 665000, UTC) == event.facts.leg.answered_at


@pytest.mark.parametrize("url", [None, ABSENT])
def test_complete_may_come_before_its_file(url: None) -> None:
    """Its URL may be null: then the other event says where the file is."""

    assert not recording(changed(COMPLETE, "mediaUrl", url)).is_available


@pytest.mark.parametrize(
    "body", [{"eventType": "disconnect", "callId": 5}, {"eventType": "mediaStreamstarted"}]
)
def test_what_we_do_not_understand_is_kept(body: dict[str, Any]) -> None:
    """Other events of a call are stored whole and acknowledged."""

    event = webhooks.parse(encoded(body))

    assert isinstance(event, UnknownEvent)
    assert body == json.loads(event.facts.body)


@pytest.mark.parametrize("body", [STARTED, STOPPED, REJECTED, AVAILABLE])
def test_a_second_delivery_has_the_same_key(body: dict[str, Any]) -> None:
    """A retry differs in its order and white space, not in its key."""

    again = json.dumps(dict(reversed(body.items())), indent=1).encode()

    first = webhooks.parse(encoded(body)).facts.dedupe_key
    assert first == webhooks.parse(again).facts.dedupe_key


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("eventType", "mediaStreamStopped"),
        ("eventTime", "2022-06-30T18:55:02.490Z"),
        ("callId", "c-2"),
        ("mediaStream.id", "s-2"),
    ],
)
def test_another_event_has_another_key(path: str, value: Any) -> None:
    """Type, time, call and stream are each part of the key."""

    first, second = stream(STARTED), stream(changed(STARTED, path, value))

    assert first.facts.dedupe_key != second.facts.dedupe_key


@given(st.sampled_from([STARTED, STOPPED, REJECTED, AVAILABLE, COMPLETE]), st.data(), ANY_JSON)
def test_any_value_anywhere_is_an_event_or_refused(
    body: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    """Whatever a field holds, the answer is an event or a code."""

    path = data.draw(st.sampled_from(sorted(body)))
    try:
        code = type(webhooks.parse(encoded(changed(body, path, value)))).__name__
    except InvalidRequest as error:
        code = error.code

    events = {"StreamAnnounced", "CarrierRecording", "UnknownEvent"}
    assert code in events | {"not_json", "missing_field", "wrong_type"}
