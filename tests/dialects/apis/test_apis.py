"""What carriers' APIs are asked, and what their documented answers mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Encoding
from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.dialects.apis.registry import DIALECTS
from tests.dialects.samples import ANY_JSON

CALL = CarrierCall(call_id="c/1", segment_id="")
SIGNALWIRE, BANDWIDTH = DIALECTS["signalwire"], DIALECTS["bandwidth"]


def test_signalwire_s_tap_is_a_command_with_every_option() -> None:
    """The body of `calling.tap` as its specification has it."""

    assert SIGNALWIRE.tap is not None
    request = SIGNALWIRE.tap(
        TapAgain(
            call=CALL,
            control_id="again-1",
            direction="listen",
            uri="wss://sink.example/signalwire-tap/t/c%2F1/listen",
            encoding=Encoding.PCMA,
            status_url="https://api.example/hooks/signalwire/t",
        )
    )

    assert ("POST", "/api/calling/calls") == (request.method, request.path)
    assert {
        "command": "calling.tap",
        "id": "c/1",
        "params": {
            "control_id": "again-1",
            "tap": {"type": "audio", "params": {"direction": "listen"}},
            "device": {
                "type": "ws",
                "params": {
                    "uri": "wss://sink.example/signalwire-tap/t/c%2F1/listen",
                    "codec": "PCMA",
                },
            },
            "status_url": "https://api.example/hooks/signalwire/t",
        },
    } == json.loads(request.body or b"")


def test_bandwidth_has_no_request_that_begins_a_stream() -> None:
    """New BXML for a live call would end what the call is doing."""

    assert BANDWIDTH.tap is None


@pytest.mark.parametrize(
    ("carrier", "call", "path"),
    [
        ("signalwire", CALL, "/api/voice/logs/c%2F1"),
        ("signalwire", CarrierCall(call_id="c", segment_id="s/1"), "/api/voice/logs/s%2F1"),
        ("bandwidth", CALL, "/calls/c%2F1"),
    ],
)
def test_a_call_is_asked_for_by_its_id(carrier: str, call: CarrierCall, path: str) -> None:
    """SignalWire's log goes by the segment, where one was told."""

    request = DIALECTS[carrier].standing(call)

    assert ("GET", path, None) == (request.method, request.path, request.body)


@pytest.mark.parametrize(
    ("carrier", "body", "standing"),
    [
        ("signalwire", {"status": "completed", "duration": 9}, Standing.ENDED),
        ("signalwire", {"status": "no-answer"}, Standing.ENDED),
        ("signalwire", {"status": "in-progress"}, Standing.LIVE),
        ("signalwire", {"status": "ending"}, Standing.LIVE),
        ("signalwire", {"status": "thinking"}, Standing.UNKNOWN),
        ("signalwire", {"id": "x", "discarded_at": "2026-03-01T12:00:00Z"}, Standing.UNKNOWN),
        ("signalwire", {"status": None}, Standing.UNKNOWN),
        ("signalwire", [], Standing.UNKNOWN),
        ("bandwidth", {"state": "disconnected", "endTime": None}, Standing.ENDED),
        ("bandwidth", {"state": "new", "endTime": "2026-03-01T12:00:00Z"}, Standing.ENDED),
        ("bandwidth", {"state": "answered", "endTime": None}, Standing.LIVE),
        ("bandwidth", {"state": "queued"}, Standing.LIVE),
        ("bandwidth", {"state": "new"}, Standing.UNKNOWN),
        ("bandwidth", {"state": 7}, Standing.UNKNOWN),
    ],
)
def test_an_answer_is_read(carrier: str, body: object, standing: Standing) -> None:
    """Documented words, and those that may be added to them."""

    assert standing is DIALECTS[carrier].read_standing(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("carrier", "body"),
    [("signalwire", b'{"status":"completed\x81"}'), ("bandwidth", b'{"state":"disconnected\xd0"}')],
)
def test_what_isn_t_utf_8_says_nothing(carrier: str, body: bytes) -> None:
    """It is what msgspec doesn't call an error of its own."""

    assert Standing.UNKNOWN is DIALECTS[carrier].read_standing(body)


@given(carrier=st.sampled_from(sorted(DIALECTS)), body=st.binary() | ANY_JSON.map(json.dumps))
def test_whatever_comes_is_no_end(carrier: str, body: bytes | str) -> None:
    """Bytes that say nothing that we know end no call."""

    octets = body if isinstance(body, bytes) else body.encode()

    assert Standing.ENDED is not DIALECTS[carrier].read_standing(octets)
