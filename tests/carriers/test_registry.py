"""Which path speaks which dialect."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Clock
from chalicelib.carriers import registry
from chalicelib.carriers.registry import Route
from chalicelib.errors import InvalidRequest, NotFound


def test_a_taps_path_names_call_and_direction() -> None:
    """SignalWire's path gives token, call and direction, percent-decoded."""

    route = registry.route("/signalwire-tap/tok-en_1/a%3Ab/speak")

    parameters = {"call_id": "a:b", "direction": "speak"}
    assert Route(dialect="signalwire-tap", token="tok-en_1", parameters=parameters) == route


def test_bandwidths_path_names_only_the_token() -> None:
    """Bandwidth's path gives the token; the rest comes in band."""

    assert Route(dialect="bandwidth", token="t", parameters={}) == registry.route("/bandwidth/t")


@pytest.mark.parametrize("generation", ["/g1", "/g7", "/g20000"])
def test_a_generation_in_front_is_the_load_balancer_s(generation: str) -> None:
    """Any worker takes it: a document may name one that is gone."""
    path = "/signalwire-tap/t-1/c-1/speak"

    assert registry.route(path) == registry.route(generation + path)


def test_a_query_is_left_out() -> None:
    """What a carrier or a proxy adds after `?` changes nothing."""

    assert registry.route("/bandwidth/t") == registry.route("/bandwidth/t?expires=1&x=/a/b")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "?",
        "bandwidth/t",
        "/x/bandwidth/t",
        "/bandwidth",
        "/bandwidth/",
        "/bandwidth/t/",
        "/bandwidth/t/more",
        "//bandwidth/t",
        "/Bandwidth/t",
        "/twilio/t",
        "/signalwire-tap/t",
        "/signalwire-tap/t/call",
        "/signalwire-tap/t//speak",
        "/signalwire-tap//call/speak",
        "/signalwire-tap/t/a/b/speak",
        "/healthz",
        "/g0/bandwidth/t",
        "/g7",
        "/g123456/bandwidth/t",
        "/g7/g8/bandwidth/t",
    ],
)
def test_other_paths_are_not_found(path: str) -> None:
    """A path that no dialect has is found nowhere."""

    with pytest.raises(NotFound) as refused:
        registry.route(path)

    assert "unknown_path" == refused.value.code


@pytest.mark.parametrize(
    ("path", "name"),
    [("/signalwire-tap/t/c/listen", "signalwire-tap"), ("/bandwidth/t", "bandwidth")],
)
def test_a_route_makes_its_dialects_parser(path: str, name: str) -> None:
    """Each row makes its own parser; both dialects live by the arrival clock."""

    parser = registry.dialect(registry.route(path))

    assert (name, Clock.ARRIVAL) == (parser.name, parser.clock)


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
        registry.dialect(registry.route(f"/signalwire-tap/t/{parameters}"))

    assert code == refused.value.code


@pytest.mark.parametrize(
    ("dialect", "carrier"), [("signalwire-tap", "signalwire"), ("bandwidth", "bandwidth")]
)
def test_a_dialect_has_its_carrier(dialect: str, carrier: str) -> None:
    """A call's key holds the carrier, whichever of its dialects streams."""

    assert carrier == registry.carrier(dialect)
