"""What Bandwidth's API is asked, and what its documented answers mean."""

from __future__ import annotations

import json

import pytest

from chalicelib.carriers.bandwidth.call_api import DIALECT
from chalicelib.carriers.contract.call_api import CarrierCall, Standing


def test_no_request_begins_a_stream() -> None:
    """New BXML for a live call would end what the call is doing."""

    assert DIALECT.tap is None


def test_a_call_is_asked_for_by_its_id() -> None:
    """The id is percent-encoded in the path."""

    request = DIALECT.standing(CarrierCall(call_id="c/1"))

    assert ("GET", "/calls/c%2F1", None) == (request.method, request.path, request.body)


@pytest.mark.parametrize(
    ("body", "standing"),
    [
        ({"state": "disconnected", "endTime": None}, Standing.ENDED),
        ({"state": "new", "endTime": "2026-03-01T12:00:00Z"}, Standing.ENDED),
        ({"state": "answered", "endTime": None}, Standing.LIVE),
        ({"state": "queued"}, Standing.LIVE),
        ({"state": "new"}, Standing.UNKNOWN),
        ({"state": 7}, Standing.UNKNOWN),
    ],
)
def test_an_answer_is_read(body: object, standing: Standing) -> None:
    """Documented words, and those that may be added to them."""

    assert standing is DIALECT.read_standing(json.dumps(body).encode())


def test_what_isn_t_utf_8_says_nothing() -> None:
    """msgspec doesn't report it as an error of its own."""

    assert Standing.UNKNOWN is DIALECT.read_standing(b'{"state":"disconnected\xd0"}')
