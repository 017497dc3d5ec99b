"""SignalWire's simulated tap, as the parsers of real ones read it."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Encoding, Media, Track
from chalicelib.carriers import registry
from chalicelib.carriers.contract.webhook import StreamState
from simulator.carriers.signalwire.tap import SignalWireTap, tap_url
from tests.carriers.samples import sample
from tests.simulator.setups import SENT, announced, keys, setup


@pytest.mark.parametrize(
    "template",
    [
        "wss://s/signalwire-tap/tok/${call.call_id}/speak",
        "wss://s/signalwire-tap/tok/%{call.call_id}/listen",
        "wss://s/signalwire-tap/tok/{call_id}/{direction}",
        "wss://s/signalwire-tap/tok/{call_id}",
        "wss://s/signalwire-tap/tok/",
        "wss://s/signalwire-tap/tok",
    ],
)
def test_a_taps_url_is_filled_as_swml_would(template: str) -> None:
    """Instructions, placeholders and the bare base all lead to the same place."""

    assert "wss://s/signalwire-tap/tok/a%2Fb/listen" == tap_url(template, "a/b", "listen")


def test_a_tap_is_heard_as_one() -> None:
    """Path, payload and both webhooks join under one stream id."""

    socket = SignalWireTap(setup("wss://s/signalwire-tap/tok", tag="vip"), Track.OUTBOUND)
    parser = registry.parser(registry.route(socket.url.removeprefix("wss://s")))
    started, stopped = (
        announced("signalwire", event) for event in (socket.started(), socket.stopped(2.0))
    )

    opened = parser.open()
    assert opened is not None
    assert {"call-1/listen"} == {
        opened.carrier_stream_id,
        started.carrier_stream_id,
        stopped.carrier_stream_id,
    }
    assert Media(Track.OUTBOUND, b"\x01\x02") == parser.receive(socket.media(SENT))
    assert [] == socket.opening() == socket.closing()
    assert (StreamState.STARTED, StreamState.STOPPED) == (started.state, stopped.state)
    assert ({"tag": "vip"}, Encoding.PCMU) == (started.facts.labels, started.encoding)


def test_messages_have_the_documented_keys() -> None:
    """What the simulator sends has the shape of the documented samples, key for key."""

    tap = SignalWireTap(setup("wss://s/signalwire-tap/tok"), Track.INBOUND)
    documented = sample("signalwire", "tap-tapping-ws")
    documented["params"]["segment_id"] = "present when available"

    assert keys(documented) == keys(tap.started())
