"""SignalWire's status callbacks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Encoding, Track
from chalicelib.carriers.contract.webhook import (
    CarrierRecording,
    RtpDevice,
    StreamAnnounced,
    StreamState,
    UnknownEvent,
)
from chalicelib.carriers.signalwire import webhooks
from chalicelib.errors import InvalidRequest
from tests.carriers.samples import ABSENT, ANY_JSON, changed, encoded, names, sample

CALL = "2e1e66e5-5d07-413d-9668-55542992eec0"
RTP = sample("signalwire", "tap-tapping-rtp")
WS = changed(
    sample("signalwire", "tap-tapping-ws"),
    "params.device.params.uri",
    f"wss://sink.example/signalwire-tap/tok/{CALL}/speak",
)
RELAY = sample("signalwire", "tap-finished-relay")
NESTED = sample("signalwire", "record-finished-swml-nested")
FLAT = sample("signalwire", "record-finished-relay-flat")
TAPS = names("signalwire", "tap-tapping", "tap-finished")


def tap(body: dict[str, Any]) -> StreamAnnounced:
    event = webhooks.parse(encoded(body))
    assert isinstance(event, StreamAnnounced)
    return event


def record(body: dict[str, Any]) -> CarrierRecording:
    event = webhooks.parse(encoded(body))
    assert isinstance(event, CarrierRecording)
    return event


def refusal(body: Any) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as refused:
        webhooks.parse(body if isinstance(body, bytes) else encoded(body))
    return refused.value.code, refused.value.message.partition(":")[0]


@pytest.mark.parametrize("name", TAPS)
def test_every_documented_tap_is_read(name: str) -> None:
    """Each sample says its call, its control id and a state."""

    body = sample("signalwire", name)
    event = tap(body)

    assert body["params"]["control_id"] == event.control_id
    assert body["params"]["call_id"] == event.facts.carrier_call_id
    assert ("tapping" in name) == (event.state is StreamState.STARTED)


@pytest.mark.parametrize("name", names("signalwire", "record"))
def test_every_documented_record_is_read(name: str) -> None:
    """Each sample says its state as the carrier words it; only a finished one has a file."""

    body = sample("signalwire", name)
    event = record(body)

    assert body["params"]["state"] == event.status
    assert ("finished" in name) == event.is_available == bool(event.url)


def test_an_rtp_tap_whole() -> None:
    """The documented RTP tap: device, direction, codec and all of the envelope."""

    event = tap(RTP)

    assert RtpDevice(address="192.168.1.100", port=12345, ptime_ms=20) == event.device
    assert ((Track.MIXED,), "PCMU", Encoding.PCMU) == (event.tracks, event.codec, event.encoding)
    assert ("", "") == (event.carrier_stream_id, event.uri)
    facts = event.facts
    assert datetime(2021, 12, 20, 11, 33, 20, 123000, UTC) == facts.event_time
    assert ("signalwire", "calling.call.tap") == (facts.carrier, facts.event_type)
    assert "swml:be38xxxx-8xxx-4xxxx-9fxx-bxxxxxxxxx" == facts.event_channel
    assert "4d0d6f16-5881-4fcc-92a4-02c51a91954d" == facts.project_id
    assert "451ed9ff-e568-4222-8af9-4f9ab7428d09" == facts.space_id
    assert "a0d4e6e5-5d07-413d-9668-55542992eec0" == facts.node_id
    assert (CALL, CALL, CALL) == (facts.call_id, facts.carrier_call_id, facts.carrier_segment_id)


def test_relay_sends_numbers_as_strings_and_no_envelope() -> None:
    """Relay's shape is read, with what it lacks left empty."""

    event = tap(RELAY)

    assert RtpDevice(address="127.0.0.1", port=1234, ptime_ms=20) == event.device
    assert (StreamState.STOPPED, (Track.OUTBOUND,)) == (event.state, event.tracks)
    assert (None, "", "") == (
        event.facts.event_time,
        event.facts.event_channel,
        event.facts.project_id,
    )


def test_a_tap_to_us_joins_its_socket() -> None:
    """The path in `device.params.uri` gives the stream's id; the stored uri has no token."""

    event = tap(WS)

    assert f"{CALL}/speak" == event.carrier_stream_id
    assert f"wss://sink.example/signalwire-tap/[redacted]/{CALL}/speak" == event.uri
    assert "tok/" not in event.facts.body


def test_a_call_id_that_differs_from_the_paths_is_told_beside_it() -> None:
    """The stream goes by its path; the event's own call id corrects it."""

    event = tap(changed(WS, "params.call_id", "the-real-one"))

    assert (CALL, "the-real-one") == (event.facts.call_id, event.facts.carrier_call_id)
    assert f"{CALL}/speak" == event.carrier_stream_id


@pytest.mark.parametrize(
    "uri",
    [
        "wss://elsewhere.example/tap?t=abc",
        "wss://sink.example/bandwidth/tok",
        "wss://sink.example/signalwire-tap/tok/call/sideways",
        "wss://sink.example/signalwire-tap/tok/${call.call_id}/speak",
        "wss://[::1/broken",
        "",
        None,
    ],
)
def test_a_tap_to_elsewhere_joins_nothing(uri: str | None) -> None:
    """A uri that isn't one of our tap paths gives no stream id, and no refusal."""

    event = tap(changed(WS, "params.device.params.uri", uri))

    assert ("", CALL) == (event.carrier_stream_id, event.facts.call_id)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("params.device.params.codec", "pcma", ("PCMA", Encoding.PCMA)),
        ("params.device.params.codec", "OPUS", ("OPUS", None)),
        ("params.device.params.codec", ABSENT, ("", None)),
    ],
)
def test_codecs(path: str, value: Any, expected: tuple[str, Encoding | None]) -> None:
    """A codec of ours is an encoding; another is told as it is: nobody takes it for ours."""

    event = tap(changed(WS, path, value))

    assert expected == (event.codec, event.encoding)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("params.tap", ABSENT),
        ("params.tap.params", ABSENT),
        ("params.tap.params.direction", None),
        ("params.tap.params.direction", "sideways"),
    ],
)
def test_a_direction_may_be_missing(path: str, value: Any) -> None:
    """What the path says anyway needn't be in the event."""

    assert () == tap(changed(WS, path, value)).tracks


@pytest.mark.parametrize("field", ["addr", "port"])
def test_an_rtp_device_needs_address_and_port(field: str) -> None:
    """Half a device is none."""

    assert tap(changed(RTP, f"params.device.params.{field}", ABSENT)).device is None


def test_a_tag_is_a_label() -> None:
    """The call's tag can be searched for."""

    assert {"tag": "vip"} == tap(changed(WS, "params.tag", "vip")).facts.labels
    assert {} == tap(WS).facts.labels


def test_swml_nests_the_result() -> None:
    """The documented SWML shape."""

    event = record(NESTED)

    assert "https://your-space.signalwire.com/api/v1/recordings/rec-uuid/download" == event.url
    assert (15.5, 248320, "wav") == (event.duration_s, event.size, event.format)


def test_relay_sends_the_result_flat() -> None:
    """Relay's shape: `record` echoes the request, the result stands beside it."""

    event = record(FLAT)

    assert ("record.mp3", "mocked-uuid") == (event.url, event.control_id)
    assert (4.0, 4096, "mp3") == (event.duration_s, event.size, event.format)


def test_the_flat_result_names_its_recording_and_its_times() -> None:
    """What SWML's callbacks say by now; Relay's old sample lacks it."""

    event = record(sample("signalwire", "record-finished-flat-with-recording-id"))

    assert ("5f3a66e5-5d07-413d-9668-55542992eec0", 2) == (
        event.carrier_recording_id,
        event.channels,
    )
    assert event.started_at is not None
    assert event.ended_at is not None
    assert 19.0 == (event.ended_at - event.started_at).total_seconds()
    assert ("", 1, None) == (
        record(FLAT).carrier_recording_id,
        record(FLAT).channels,
        record(FLAT).ended_at,
    )


@pytest.mark.parametrize(
    ("body", "path", "value", "expected"),
    [
        (RTP, "event_type", ABSENT, ("missing_field", "event_type")),
        (RTP, "event_type", 5, ("wrong_type", "event_type")),
        (RTP, "params", ABSENT, ("missing_field", "params")),
        (RTP, "params", [], ("wrong_type", "params")),
        (RTP, "timestamp", "now", ("wrong_type", "timestamp")),
        (RTP, "event_channel", 5, ("wrong_type", "event_channel")),
        (RTP, "project_id", {}, ("wrong_type", "project_id")),
        (RTP, "params.call_id", ABSENT, ("missing_field", "params.call_id")),
        (RTP, "params.call_id", "", ("wrong_type", "params.call_id")),
        (RTP, "params.call_id", 7, ("wrong_type", "params.call_id")),
        (RTP, "params.control_id", ABSENT, ("missing_field", "params.control_id")),
        (RTP, "params.control_id", "", ("wrong_type", "params.control_id")),
        (RTP, "params.state", ABSENT, ("missing_field", "params.state")),
        (RTP, "params.node_id", 7, ("wrong_type", "params.node_id")),
        (RTP, "params.tag", ["a"], ("wrong_type", "params.tag")),
        (RTP, "params.tap", "audio", ("wrong_type", "params.tap")),
        (RTP, "params.device", ABSENT, ("missing_field", "params.device")),
        (RTP, "params.device.type", ABSENT, ("missing_field", "params.device.type")),
        (RTP, "params.device.params", ABSENT, ("missing_field", "params.device.params")),
        (RTP, "params.device.params.port", "high", ("wrong_type", "params.device.params.port")),
        (RTP, "params.device.params.ptime", [], ("wrong_type", "params.device.params.ptime")),
        (WS, "params.device.params.uri", 5, ("wrong_type", "params.device.params.uri")),
        (NESTED, "params.control_id", ABSENT, ("missing_field", "params.control_id")),
        (NESTED, "params.record.url", ABSENT, ("missing_field", "params.record.url")),
        (NESTED, "params.record", ABSENT, ("missing_field", "params.record.url")),
        (NESTED, "params.record.url", 5, ("wrong_type", "params.record.url")),
        (NESTED, "params.record.size", "big", ("wrong_type", "params.record.size")),
        (NESTED, "params.record.duration", -1, ("wrong_type", "params.record.duration")),
        (FLAT, "params.url", ABSENT, ("missing_field", "params.record.url")),
        (FLAT, "params.record.audio", 5, ("wrong_type", "params.record.audio")),
    ],
)
def test_each_broken_field_is_named(
    body: dict[str, Any], path: str, value: Any, expected: tuple[str, str]
) -> None:
    """What an event needs and lacks, or has of a wrong type, is told with its path."""

    assert expected == refusal(changed(body, path, value))


def test_what_is_no_json_is_refused() -> None:
    """A form, as cXML posts, is told apart at once."""

    assert ("not_json", "body") == refusal(b"CallSid=1&RecordingStatus=completed")


@pytest.mark.parametrize(
    "body",
    [
        {"event_type": "calling.call.stream", "params": {"state": "streaming"}},
        {"event_type": "calling.call.collect"},
        {"event_type": "x " * 4000, "params": 7},
        changed(RTP, "params.state", "waiting"),
        changed(NESTED, "params.state", "deleted"),
    ],
)
def test_what_we_do_not_understand_is_kept(body: dict[str, Any]) -> None:
    """Unknown types and states are stored whole, with a key that holds all of them."""

    event = webhooks.parse(encoded(body))

    assert isinstance(event, UnknownEvent)
    assert body == json.loads(event.facts.body)
    other = webhooks.parse(encoded(body | {"other": 1}))
    assert event.facts.dedupe_key != other.facts.dedupe_key


@pytest.mark.parametrize("body", [RTP, WS, RELAY, NESTED, FLAT])
def test_a_second_delivery_has_the_same_key(body: dict[str, Any]) -> None:
    """White space, order and a later field change nothing of an event's key."""

    again = json.dumps(dict(reversed(body.items())), indent=2).encode()
    retried = encoded(body | {"attempt": 2})

    first = webhooks.parse(encoded(body)).facts.dedupe_key
    assert {first} == {webhooks.parse(text).facts.dedupe_key for text in (again, retried)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("timestamp", 1640000000.124),
        ("params.call_id", "another"),
        ("params.control_id", "another"),
        ("params.state", "finished"),
        ("params.device.params.uri", f"wss://s/signalwire-tap/tok/{CALL}/listen"),
    ],
)
def test_another_event_has_another_key(path: str, value: Any) -> None:
    """Call, control id, stream, state and time are each part of the key."""

    first, second = tap(WS), tap(changed(WS, path, value))

    assert first.facts.dedupe_key != second.facts.dedupe_key


PATHS = ["event_type", "timestamp", "params", "params.call_id", "params.state", "params.device"]


@given(st.sampled_from([RTP, WS, NESTED, FLAT]), st.sampled_from(PATHS), ANY_JSON)
def test_any_value_anywhere_is_an_event_or_refused(
    body: dict[str, Any], path: str, value: Any
) -> None:
    """Whatever a field holds, the answer is an event or a code."""

    try:
        code = type(webhooks.parse(encoded(changed(body, path, value)))).__name__
    except InvalidRequest as error:
        code = error.code

    events = {"StreamAnnounced", "CarrierRecording", "UnknownEvent"}
    assert code in events | {"not_json", "missing_field", "wrong_type"}
