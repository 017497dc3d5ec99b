"""What SignalWire's API is asked, and what its documented answers mean."""

from __future__ import annotations

import json

import pytest

from chalicelib.capture.events import Encoding
from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.carriers.signalwire.call_api import DIALECT

CALL = CarrierCall(call_id="c/1", segment_id="")


def test_a_tap_is_a_command_with_every_option() -> None:
    """The body of `calling.tap` as its specification has it."""

    assert DIALECT.tap is not None
    request = DIALECT.tap(
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


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (CALL, "/api/voice/logs/c%2F1"),
        (CarrierCall(call_id="c", segment_id="s/1"), "/api/voice/logs/s%2F1"),
    ],
)
def test_a_call_is_asked_for_by_its_id(call: CarrierCall, path: str) -> None:
    """The log goes by the segment, where one was told."""

    request = DIALECT.standing(call)

    assert ("GET", path, None) == (request.method, request.path, request.body)


@pytest.mark.parametrize(
    ("body", "standing"),
    [
        ({"status": "completed", "duration": 9}, Standing.ENDED),
        ({"status": "no-answer"}, Standing.ENDED),
        ({"status": "in-progress"}, Standing.LIVE),
        ({"status": "ending"}, Standing.LIVE),
        ({"status": "thinking"}, Standing.UNKNOWN),
        ({"id": "x", "discarded_at": "2026-03-01T12:00:00Z"}, Standing.UNKNOWN),
        ({"status": None}, Standing.UNKNOWN),
        ([], Standing.UNKNOWN),
    ],
)
def test_an_answer_is_read(body: object, standing: Standing) -> None:
    """Documented words, and those that may be added to them."""

    assert standing is DIALECT.read_standing(json.dumps(body).encode())


def test_what_isn_t_utf_8_says_nothing() -> None:
    """msgspec doesn't report it as an error of its own."""

    assert Standing.UNKNOWN is DIALECT.read_standing(b'{"status":"completed\x81"}')
