"""What an RTP endpoint can be asked to be."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.errors import InvalidRequest
from chalicelib.recording.model import Direction
from chalicelib.recording.rtp_endpoint import EndpointOptions, parse_endpoint


def test_nothing_asked_is_what_the_party_says() -> None:
    """SWML's own default of a tap; the codec is what comes, the source who sends first."""

    assert ("rtp-speak", EndpointOptions()) == parse_endpoint({})
    assert Track.INBOUND is EndpointOptions().track


def test_everything_can_be_asked() -> None:
    """A control id, a direction, a codec, and who may send."""

    body = {
        "control_id": "mine",
        "direction": "both",
        "codec": "PCMA",
        "source_addr": "203.0.113.9",
        "source_port": 4000,
    }
    wanted = EndpointOptions(
        direction=Direction.BOTH,
        codec=Encoding.PCMA,
        source_addr="203.0.113.9",
        source_port=4000,
    )

    assert ("mine", wanted) == parse_endpoint(body)
    assert ("mine", wanted) == parse_endpoint(body | {"source_port": "4000"})
    assert Track.MIXED is wanted.track
    assert ("rtp-listen", EndpointOptions(direction=Direction.LISTEN)) == parse_endpoint(
        {"direction": "listen"}
    )


@pytest.mark.parametrize(
    ("body", "code", "named"),
    [
        ({"uri": "rtp://1.2.3.4:5"}, "unknown_property", "uri"),
        ({"direction": "inbound"}, "out_of_range", "direction"),
        ({"codec": "OPUS"}, "out_of_range", "codec"),
        ({"codec": 0}, "wrong_type", "codec"),
        ({"source_addr": "127.1"}, "out_of_range", "source_addr"),
        ({"source_addr": "::1"}, "out_of_range", "source_addr"),
        ({"source_addr": 1}, "wrong_type", "source_addr"),
        ({"source_port": 4000}, "out_of_range", "source_port"),
        ({"source_addr": "203.0.113.9", "source_port": 0}, "out_of_range", "source_port"),
        ({"source_addr": "203.0.113.9", "source_port": "one"}, "wrong_type", "source_port"),
        ({"source_addr": "203.0.113.9", "source_port": "65536"}, "out_of_range", "source_port"),
        ({"source_addr": "203.0.113.9", "source_port": True}, "wrong_type", "source_port"),
        ({"source_addr": "${tap_rtp_src_addr}"}, "unresolved_variable", "source_addr"),
        ({"control_id": ""}, "out_of_range", "control_id"),
    ],
)
def test_a_wrong_value_is_refused_by_name(body: dict[str, object], code: str, named: str) -> None:
    """Each refusal names its key."""

    with pytest.raises(InvalidRequest) as refusal:
        parse_endpoint(body)

    assert code == refusal.value.code
    assert named in refusal.value.message
