"""Bandwidth's stream on the wire."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import (
    Encoding,
    Media,
    StreamEvent,
    StreamStarted,
    StreamStopped,
    Track,
)
from chalicelib.carriers.bandwidth.stream import Bandwidth
from chalicelib.errors import WireError
from tests.carriers.samples import ABSENT, ANY_JSON, changed, sample

START = sample("bandwidth", "start")
MEDIA = sample("bandwidth", "media-current")
STOP = sample("bandwidth", "stop")
CODES = {
    "bad_payload",
    "bad_start",
    "binary_message",
    "missing_field",
    "not_json",
    "other_stream",
    "second_start",
    "unknown_event",
    "unknown_track",
    "unsupported_encoding",
    "wrong_dialect",
    "wrong_type",
}


def said(*messages: Any) -> StreamEvent:
    """Return what the last of some messages says on a fresh socket."""
    parser = Bandwidth({})
    events = [parser.receive(m if isinstance(m, str) else json.dumps(m)) for m in messages]
    return events[-1]


def refusal(message: Any, parser: Bandwidth | None = None) -> str:
    text = message if isinstance(message, str | bytes) else json.dumps(message)
    with pytest.raises(WireError) as refused:
        (parser or Bandwidth({})).receive(text)
    return refused.value.code


def test_the_path_tells_no_start() -> None:
    """The start comes in band."""

    assert Bandwidth({}).open() is None  # type: ignore[func-returns-value]


def test_start_names_call_stream_tracks_and_labels() -> None:
    """The documented start, whole."""

    expected = StreamStarted(
        call_id="c-2a913f94-7fa91773-a426-4118-8b8b-b691ab0a0ae1",
        carrier_stream_id="s-2a913f94-93e372e2-60da-4c89-beb0-0d3a219b287c",
        tracks=(Track.INBOUND, Track.OUTBOUND),
        encoding=Encoding.PCMU,
        rate_hz=8000,
        labels={"foo": "bar", "foos": "bars"},
    )
    assert expected == said(START)


def test_media_of_2023_has_no_number() -> None:
    """The older documented message is 160 bytes of the inbound track."""

    event = said(START, sample("bandwidth", "media-2023-docs"))

    assert isinstance(event, Media)
    assert (Track.INBOUND, 160, None) == (event.track, len(event.payload), event.sequence)


def test_media_of_today_has_one() -> None:
    """The current message is the same with a number that is a string."""

    assert Media(Track.INBOUND, b"\xff" * 160, 1) == said(START, MEDIA)


def test_stop_ends_the_stream() -> None:
    """The documented stop."""

    assert StreamStopped() == said(START, STOP)


def test_media_before_start_is_media() -> None:
    """What comes before its start is not lost: it is told, and the start after it too."""

    parser = Bandwidth({})
    first = parser.receive(json.dumps(MEDIA))
    second = parser.receive(json.dumps(START))

    assert Media(Track.INBOUND, b"\xff" * 160, 1) == first
    assert isinstance(second, StreamStarted)


def test_media_of_a_track_that_start_did_not_name_is_media() -> None:
    """A track that the start forgot is kept all the same."""

    event = said(changed(START, "metadata.tracks.1", ABSENT), changed(MEDIA, "track", "outbound"))

    assert isinstance(event, Media)
    assert Track.OUTBOUND is event.track


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("streamParams", ABSENT),
        ("metadata.accountId", ABSENT),
        ("metadata.streamName", ABSENT),
        ("metadata.streamName", 7),
        ("metadata.tracks.0.mediaFormat", ABSENT),
        ("metadata.tracks.0.mediaFormat.sampleRate", ABSENT),
        ("metadata.tracks.0.mediaFormat.sampleRate", "8000"),
        ("metadata.tracks.0.mediaFormat.encoding", "audio/PCMU"),
        ("metadata.tracks.0.mediaFormat.encoding", "AUDIO/pcmu"),
        ("metadata.tracks.1", START["metadata"]["tracks"][0]),
        ("metadata.new", {"of": ["next", "year"]}),
        ("new", None),
    ],
)
def test_start_is_read_leniently(path: str, value: Any) -> None:
    """What we don't need may be absent, odd or new, and both spellings of an encoding are one."""

    event = said(changed(START, path, value))

    assert isinstance(event, StreamStarted)
    assert Encoding.PCMU is event.encoding


def test_alaw_is_read() -> None:
    """A stream of PCMA says so."""

    tracks = [{"name": "inbound", "mediaFormat": {"encoding": "audio/PCMA", "sampleRate": 8000}}]
    event = said(changed(START, "metadata.tracks", tracks))

    assert isinstance(event, StreamStarted)
    assert ((Track.INBOUND,), Encoding.PCMA) == (event.tracks, event.encoding)


def test_parameters_that_no_label_can_be_are_left_out() -> None:
    """Labels are the carrier's first twelve text parameters within its own limits."""

    odd = {"n" * 257: "x", "long": "v" * 2049, "number": 5, "none": None}
    many = {f"p{n:02}": "v" for n in range(14)}
    event = said(changed(START, "streamParams", odd | many))

    assert isinstance(event, StreamStarted)
    assert [f"p{n:02}" for n in range(12)] == list(event.labels)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("metadata", ABSENT, "bad_start"),
        ("metadata", None, "bad_start"),
        ("metadata", [], "bad_start"),
        ("metadata.callId", ABSENT, "bad_start"),
        ("metadata.callId", "", "bad_start"),
        ("metadata.callId", 5, "bad_start"),
        ("metadata.callId", "c" * 129, "bad_start"),
        ("metadata.callId", "c\n", "bad_start"),
        ("metadata.streamId", ABSENT, "bad_start"),
        ("metadata.streamId", "ö", "bad_start"),
        ("metadata.tracks", ABSENT, "bad_start"),
        ("metadata.tracks", [], "bad_start"),
        ("metadata.tracks", "inbound", "bad_start"),
        ("metadata.tracks.0.name", "mixed", "bad_start"),
        ("metadata.tracks.0.name", ABSENT, "bad_start"),
        ("metadata.tracks.0.mediaFormat.sampleRate", "fast", "bad_start"),
        ("metadata.tracks.0.mediaFormat.sampleRate", 16000, "unsupported_encoding"),
        ("metadata.tracks.0.mediaFormat.encoding", "PCMA", "unsupported_encoding"),
        ("metadata.tracks.0.mediaFormat.encoding", "OPUS", "unsupported_encoding"),
        ("streamParams", [], "wrong_type"),
    ],
)
def test_a_broken_start_is_named(path: str, value: Any, code: str) -> None:
    """Each field that a call's name or its decoding needs is missed, and the next start is read."""

    parser = Bandwidth({})

    assert code == refusal(changed(START, path, value), parser)
    assert isinstance(parser.receive(json.dumps(START)), StreamStarted)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("track", ABSENT, "missing_field"),
        ("track", 1, "wrong_type"),
        ("track", "mixed", "unknown_track"),
        ("track", "t" * 5000, "unknown_track"),
        ("payload", ABSENT, "missing_field"),
        ("payload", None, "wrong_type"),
        ("payload", "//8", "bad_payload"),
        ("payload", "/ /8=", "bad_payload"),
        ("payload", "__8=", "bad_payload"),
        ("payload", "é", "bad_payload"),
        ("sequenceNumber", "one", "wrong_type"),
        ("sequenceNumber", "-1", "wrong_type"),
        ("sequenceNumber", 1.5, "wrong_type"),
        ("sequenceNumber", [], "wrong_type"),
        ("sequenceNumber", 2**63, "wrong_type"),
        ("eventType", ABSENT, "missing_field"),
        ("eventType", 5, "wrong_type"),
        ("eventType", "dtmf", "unknown_event"),
    ],
)
def test_a_broken_media_is_named_and_costs_only_itself(path: str, value: Any, code: str) -> None:
    """Each broken field of media has its code; the message after it is heard."""

    parser = Bandwidth({})
    parser.receive(json.dumps(START))

    assert code == refusal(changed(MEDIA, path, value), parser)
    assert Media(Track.INBOUND, b"\xff" * 160, 1) == parser.receive(json.dumps(MEDIA))


@pytest.mark.parametrize("number", [7, "7"])
def test_numbers_come_as_either(number: int | str) -> None:
    """A sequence number is an integer or its decimal text."""

    event = said(changed(MEDIA, "sequenceNumber", number))

    assert isinstance(event, Media)
    assert 7 == event.sequence


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_json"),
        ("start", "not_json"),
        ('{"eventType":"start"', "not_json"),
        ('{"eventType":"stop"}{}', "not_json"),
        ('{"eventType":"media","x":' + "[" * 60_000, "not_json"),
        ('{"eventType":"start","metadata":' + "[" * 60_000, "not_json"),
        ('{"eventType":"stop","x":"\\ud800"}', "not_json"),
        ("[]", "wrong_type"),
        ("null", "wrong_type"),
        ("{}", "missing_field"),
    ],
)
def test_what_is_no_message_is_named(text: str, code: str) -> None:
    """Text that isn't ANY_JSON, or JSON that isn't a message, has its code."""

    assert code == refusal(text)


def test_bytes_first_are_another_dialect() -> None:
    """Binary before anything else means that the wrong dialect came."""

    assert "wrong_dialect" == refusal(b"\xff" * 160)


@pytest.mark.parametrize("first", [START, MEDIA])
def test_bytes_later_are_a_stray_message(first: dict[str, Any]) -> None:
    """Binary in the middle of a stream costs only itself."""

    parser = Bandwidth({})
    parser.receive(json.dumps(first))

    assert "binary_message" == refusal(b"\xff" * 160, parser)
    assert isinstance(parser.receive(json.dumps(MEDIA)), Media)


def test_a_second_start_changes_nothing() -> None:
    """The same start again is counted, and the stream goes on."""

    parser = Bandwidth({})
    parser.receive(json.dumps(START))

    assert "second_start" == refusal(START, parser)
    assert isinstance(parser.receive(json.dumps(MEDIA)), Media)


@pytest.mark.parametrize("field", ["callId", "streamId"])
def test_a_start_of_another_stream_is_told_apart(field: str) -> None:
    """A socket that turns to another call mustn't go on in the first."""

    parser = Bandwidth({})
    parser.receive(json.dumps(START))

    assert "other_stream" == refusal(changed(START, f"metadata.{field}", "x"), parser)


@given(st.binary(max_size=400), st.integers(min_value=0, max_value=2**63 - 1))
def test_payload_comes_back_as_it_was(payload: bytes, number: int) -> None:
    """Base64 of any bytes gives those bytes."""

    message = MEDIA | {"payload": b64encode(payload).decode(), "sequenceNumber": str(number)}

    assert Media(Track.INBOUND, payload, number) == said(message)


FIELDS = ["eventType", "metadata", "streamParams", "track", "payload", "sequenceNumber"]
NEAR = st.dictionaries(
    st.sampled_from(FIELDS), ANY_JSON | st.sampled_from(["start", "media", "stop"])
)
MESSAGES = st.one_of(
    st.text(),
    st.binary(),
    ANY_JSON.map(json.dumps),
    NEAR.map(json.dumps),
    st.sampled_from([START, MEDIA, STOP]).map(json.dumps),
)


@given(st.lists(MESSAGES, max_size=8))
def test_any_messages_are_events_or_wire_errors(messages: list[str | bytes]) -> None:
    """No message, and no sequence of them, raises anything else, and media after it is heard."""

    parser = Bandwidth({})
    codes: set[str] = set()
    for message in messages:
        try:
            parser.receive(message)
        except WireError as error:
            codes.add(error.code)

    assert set() == codes - CODES
    assert isinstance(parser.receive(json.dumps(MEDIA)), Media)


@pytest.mark.parametrize("message", [json.dumps(m) for m in (START, MEDIA, STOP)])
def test_a_message_cut_off_anywhere_is_not_json(message: str) -> None:
    """A message that ends early says nothing by halves."""

    assert {"not_json"} == {refusal(message[:end]) for end in range(len(message))}


def test_what_shall_be_played_is_the_carriers_message() -> None:
    """Twenty ms of silence are the sample."""

    assert sample("bandwidth", "play-audio") == json.loads(Bandwidth({}).play(bytes(320)))
