"""Carriers' APIs over real sockets: what is asked, and what each answer means."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from chalicelib.adapters.http.carrier_api import RestCarrierApi
from chalicelib.capture.events import Encoding
from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.errors import (
    Conflict,
    Forbidden,
    NotFound,
    TapedeckError,
    Unavailable,
    UrlRefused,
)
from chalicelib.ports.values import CarrierDoor
from chalicelib.security.url_guard import STRICT, UrlPolicy
from tests.adapters.receivers import receiver, says

POLICY = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))
CALL = CarrierCall(call_id="c-1")
WANTED = TapAgain(
    call=CALL,
    control_id="again-1",
    direction="speak",
    uri="wss://sink.example/signalwire-tap/t/c-1/speak",
    encoding=Encoding.PCMU,
    status_url="https://api.example/hooks/signalwire/t",
)


def answer(status: str, body: object = None) -> Callable[..., None]:
    text = json.dumps(body or {}).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode()
    return says(head + text)


def door(port: int, carrier: str = "signalwire") -> CarrierDoor:
    return CarrierDoor(carrier=carrier, url=f"http://127.0.0.1:{port}", authorization="Basic dTpw")


def test_a_tap_is_asked_for_with_credentials() -> None:
    """One POST of JSON; a good answer is all."""

    with receiver(answer("200 OK", {"id": "c-1"})) as server:
        RestCarrierApi(POLICY).tap(door(server.port), WANTED)

    (request,) = server.requests
    assert request.startswith(b"POST /api/calling/calls HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic dTpw\r\n" in request
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert "calling.tap" == json.loads(request.partition(b"\r\n\r\n")[2])["command"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", Forbidden),
        ("404 Not Found", NotFound),
        ("422 Unprocessable", Forbidden),
        ("302 Found", Unavailable),
        ("429 Too Many", Unavailable),
        ("503 Unavailable", Unavailable),
    ],
)
def test_another_answer_says_why_not(status: str, error: type[TapedeckError]) -> None:
    """Whether to ask again shows in the type; the carrier's words aren't repeated."""

    with receiver(answer(status, {"secret": "PT-x"})) as server, pytest.raises(error) as raised:
        RestCarrierApi(POLICY).tap(door(server.port), WANTED)

    assert "PT-x" not in raised.value.message


def test_no_answer_is_unavailable() -> None:
    """Nobody listens there."""

    with receiver(answer("200 OK")) as server:
        port = server.port

    with pytest.raises(Unavailable):
        RestCarrierApi(POLICY).tap(door(port), WANTED)


def test_the_guard_judges_the_address() -> None:
    """A private address is told nothing."""

    with receiver(answer("200 OK")) as server, pytest.raises(UrlRefused):
        RestCarrierApi(STRICT).tap(door(server.port), WANTED)

    assert [] == server.requests


def test_a_carrier_without_such_a_request_isn_t_asked() -> None:
    """Bandwidth's API begins no stream."""

    with receiver(answer("200 OK")) as server:
        for carrier in ("bandwidth", "unheard-of"):
            with pytest.raises(Conflict):
                RestCarrierApi(POLICY).tap(door(server.port, carrier), WANTED)

    assert [] == server.requests


@pytest.mark.parametrize(
    ("status", "body", "standing"),
    [
        ("200 OK", {"state": "disconnected"}, Standing.ENDED),
        ("200 OK", {"state": "answered"}, Standing.LIVE),
        ("404 Not Found", {}, Standing.UNKNOWN),
    ],
)
def test_a_call_s_standing_is_asked_for(status: str, body: object, standing: Standing) -> None:
    """A call that isn't known, yet or any more, says nothing."""

    with receiver(answer(status, body)) as server:
        assert standing is RestCarrierApi(POLICY).standing(door(server.port, "bandwidth"), CALL)

    (request,) = server.requests
    assert request.startswith(b"GET /calls/c-1 HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic dTpw\r\n" in request
