"""SignalWire's row: its paths, its answer, and what it signs."""

from __future__ import annotations

import pytest

from chalicelib.carriers import registry
from chalicelib.carriers.contract.stream_path import Route
from chalicelib.carriers.signalwire import tap_stream
from chalicelib.carriers.signalwire.carrier import CARRIER
from chalicelib.errors import InvalidRequest, NotFound


def test_a_taps_path_names_call_and_direction() -> None:
    """The path gives token, call and direction, percent-decoded."""

    route = registry.route("/signalwire-tap/tok-en_1/a%3Ab/speak")

    parameters = {"call_id": "a:b", "direction": "speak"}
    assert Route(dialect="signalwire-tap", token="tok-en_1", parameters=parameters) == route
    assert tap_stream.PARAMETERS == registry.ROWS["signalwire"].streams["signalwire-tap"]


@pytest.mark.parametrize(
    "path",
    [
        "/signalwire-tap/t",
        "/signalwire-tap/t/call",
        "/signalwire-tap/t//speak",
        "/signalwire-tap//call/speak",
        "/signalwire-tap/t/a/b/speak",
    ],
)
def test_other_paths_are_not_found(path: str) -> None:
    """A path without exactly a token, a call and a direction is not found."""

    with pytest.raises(NotFound) as refused:
        registry.route(path)

    assert "unknown_path" == refused.value.code


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("%24%7Bcall.call_id%7D/speak", "unresolved_variable"),
        ("%25%7Bcall.call_id%7D/speak", "unresolved_variable"),
        ("${call.call_id}/speak", "unresolved_variable"),
        ("a%20b/speak", "bad_call_id"),
        ("%C3%A9/speak", "bad_call_id"),
        ("%FF/speak", "bad_call_id"),
        ("a" * 129 + "/speak", "bad_call_id"),
        ("call/inbound", "bad_direction"),
        ("call/SPEAK", "bad_direction"),
    ],
)
def test_parameters_that_name_nothing_are_refused(parameters: str, code: str) -> None:
    """A path with a variable that SWML didn't fill, no id or no direction opens no stream."""

    with pytest.raises(InvalidRequest) as refused:
        registry.parser(registry.route(f"/signalwire-tap/t/{parameters}"))

    assert code == refused.value.code


def test_an_event_is_answered_200() -> None:
    """SignalWire reads 200 as success."""

    assert 200 == CARRIER.webhooks.answer_status
