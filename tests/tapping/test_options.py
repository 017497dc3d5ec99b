"""tap's properties: SWML's schema is the reference, ours is stricter where we say so."""

from __future__ import annotations

import json
import math
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest, UrlRefused
from chalicelib.recording.model import Direction
from chalicelib.security.url_guard import UrlPolicy
from chalicelib.tapping.model import Codec, TapOptions
from chalicelib.tapping.options import parse_tap, to_json

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "swml-tap-record.schema.json").read_text()
)
TAP = SCHEMA["$defs"]["Tap"]["properties"]["tap"]["properties"]
URI = "wss://example.com/tap-stream"
LOCAL = UrlPolicy(allowed_networks=(ip_network("192.168.0.0/16"),))


def refusal(body: dict[str, object]) -> tuple[str, str]:
    """Return code and message of what is refused."""
    with pytest.raises(InvalidRequest) as refused:
        parse_tap(body)
    return refused.value.code, refused.value.message


def test_gives_the_defaults_for_a_uri() -> None:
    """A body of a uri is a tap with SWML's defaults and no control id."""
    assert (None, TapOptions(uri=URI)) == parse_tap({"uri": URI})


def test_reads_every_property() -> None:
    """Each property lands in its field."""
    body = {
        "uri": "rtp://192.168.1.100:12345",
        "control_id": "tap_001",
        "direction": "both",
        "codec": "PCMA",
        "rtp_ptime": 120,
        "status_url": "https://example.com/tap-status",
    }

    assert (
        "tap_001",
        TapOptions(
            uri="rtp://192.168.1.100:12345",
            direction=Direction.BOTH,
            codec=Codec.PCMA,
            rtp_ptime_ms=120,
            status_url="https://example.com/tap-status",
        ),
    ) == parse_tap(body, policy=LOCAL)


def test_knows_the_schemas_properties_and_no_others() -> None:
    """Property names are exactly the schema's."""
    ours = {"control_id", "status_url", *to_json(TapOptions(uri=URI))}

    assert set(TAP) == ours


def test_has_the_schemas_defaults() -> None:
    """Each default that the schema names is ours."""
    ours = to_json(TapOptions(uri=URI))
    defaults = {name: rule["default"] for name, rule in TAP.items() if "default" in rule}

    assert defaults == {name: ours[name] for name in defaults}


@pytest.mark.parametrize("name", TAP)
def test_takes_the_schemas_examples(name: str) -> None:
    """Every example in the schema parses."""
    for example in TAP[name]["examples"]:
        parse_tap({"uri": URI, name: example})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(
            (name, wrong)
            for name in TAP
            if name != "rtp_ptime"
            for wrong in (1, True, None, [], {})
        ),
        *(("rtp_ptime", wrong) for wrong in (True, None, [], {}, 20.5, math.nan, math.inf)),
        *(("rtp_ptime", wrong) for wrong in ("", "abc", " 20", "20.5", "٢٠", "1e999", "NaN")),
    ],
)
def test_refuses_a_wrong_type(name: str, wrong: object) -> None:
    """A value of another type is refused under its key."""
    code, message = refusal({"uri": URI, name: wrong})

    assert "wrong_type" == code
    assert message.startswith(name)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("direction", "inbound"),
        ("codec", "OPUS"),
        ("codec", "L16"),
        ("codec", "pcmu"),
        ("control_id", ""),
        *(("rtp_ptime", wrong) for wrong in (-20, 0, 5, 15, 25, 121, 130, 10**400)),
        *(("rtp_ptime", wrong) for wrong in ("-20", "0", "25", "130", "1e300")),
    ],
)
def test_refuses_what_is_out_of_range(name: str, wrong: object) -> None:
    """A value outside its range is refused under its key."""
    code, message = refusal({"uri": URI, name: wrong})

    assert "out_of_range" == code
    assert message.startswith(name)


@pytest.mark.parametrize("ptime", range(10, 121, 10))
def test_takes_every_ptime(ptime: int) -> None:
    """10 to 120 ms in steps of 10; a JSON number with a fraction of zero is whole.

    Its text is read, too, as a variable of SWML is filled in.
    """
    assert ptime == parse_tap({"uri": URI, "rtp_ptime": ptime})[1].rtp_ptime_ms
    assert ptime == parse_tap({"uri": URI, "rtp_ptime": float(ptime)})[1].rtp_ptime_ms
    assert ptime == parse_tap({"uri": URI, "rtp_ptime": str(ptime)})[1].rtp_ptime_ms


def test_a_tap_needs_a_destination() -> None:
    """Without a uri there is no tap."""
    assert ("missing_property", "tap needs a uri") == refusal({})


def test_refuses_unknown_properties_and_variables() -> None:
    """A key that SWML doesn't have, or a variable that nobody filled in, is named."""
    assert ("unknown_property", "tap has no property 'stereo'") == refusal({"stereo": True})
    assert ("unresolved_variable", "rtp_ptime holds an SWML variable") == refusal(
        {"uri": URI, "rtp_ptime": "%{ptime}"}
    )


@pytest.mark.parametrize(
    "uri",
    [
        "rtp://8.8.8.8:5000/path",
        "rtp://8.8.8.8:5000?query",
        "rtp://example.com:5000",
        "rtp://[2606:4700::1111]:5000",
    ],
)
def test_rtp_goes_to_an_ipv4_address_and_port(uri: str) -> None:
    """A name could be anybody's by the time of the first packet, and workers have IPv4 only."""
    code, message = refusal({"uri": uri})

    assert "out_of_range" == code
    assert message.startswith("uri")


@pytest.mark.parametrize(
    "uri",
    [
        "rtp://8.8.8.8",
        "rtp://8.8.8.8:80",
        "rtp://10.0.0.1:5000",
        "ws://127.0.0.1/",
        "wss://user@example.com/",
        "https://example.com/",
        "tap",
    ],
)
def test_every_uri_passes_the_guard(uri: str) -> None:
    """What the URL guard refuses for taps is refused."""
    with pytest.raises(UrlRefused, match=r"^uri refused"):
        parse_tap({"uri": uri})


def test_a_status_url_passes_the_guard() -> None:
    """A private address is nobody's status URL."""
    with pytest.raises(UrlRefused, match=r"^status_url refused"):
        parse_tap({"uri": URI, "status_url": "https://10.0.0.1/"})


@given(
    direction=st.sampled_from(Direction),
    codec=st.sampled_from(Codec),
    rtp_ptime_ms=st.integers(1, 12).map(lambda tens: 10 * tens),
    status_url=st.sampled_from(["", "https://example.com/"]),
)
def test_reads_what_it_wrote(
    direction: Direction, codec: Codec, rtp_ptime_ms: int, status_url: str
) -> None:
    """Options survive their JSON form."""
    options = TapOptions(
        uri=URI, direction=direction, codec=codec, rtp_ptime_ms=rtp_ptime_ms, status_url=status_url
    )

    assert (None, options) == parse_tap(to_json(options))
