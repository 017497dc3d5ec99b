"""What simulated carriers say, as the parsers that read real ones hear it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Media, StreamStarted, StreamStopped, Track
from chalicelib.carriers import registry
from chalicelib.carriers.contract.webhook import StreamAnnounced, StreamState
from simulator.bandwidth import Bandwidth
from simulator.schedule import Send
from simulator.signalwire_tap import SignalWireTap, tap_url
from simulator.socket import Numbering, Setup
from tests.carriers.samples import sample

SENT = Send(
    at_s=1.0,
    track=Track.OUTBOUND,
    position=8000,
    payload=b"\x01\x02",
    number_in_stream=101,
    number_in_track=51,
)


def setup(url: str, **changes: Any) -> Setup:
    fields: dict[str, Any] = {
        "stream_url": url,
        "call_id": "call-1",
        "tracks": (Track.INBOUND, Track.OUTBOUND),
        "encoding": Encoding.PCMU,
    }
    return Setup(**fields | changes)


def announced(carrier: str, event: dict[str, Any]) -> StreamAnnounced:
    heard = registry.carrier(carrier).webhooks.parse(json.dumps(event).encode())
    assert isinstance(heard, StreamAnnounced)
    return heard


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


def test_a_stream_is_heard_as_one() -> None:
    """Start, media, stop and both webhooks of Bandwidth join under one stream id."""

    socket = Bandwidth(setup("wss://s/bandwidth/tok", stream_params={"a": "b"}, tag="vip"))
    parser = registry.parser(registry.route("/bandwidth/tok"))
    begun, over = (
        [parser.receive(m) for m in words] for words in (socket.opening(), socket.closing())
    )
    started, stopped = (
        announced("bandwidth", event) for event in (socket.started(), socket.stopped(2.25))
    )

    assert isinstance(begun[0], StreamStarted)
    assert [StreamStopped()] == over
    assert ({"a": "b"}, Encoding.PCMU) == (begun[0].labels, begun[0].encoding)
    assert {begun[0].carrier_stream_id} == {started.carrier_stream_id, stopped.carrier_stream_id}
    assert ({"tag": "vip"}, 2.25) == (started.facts.labels, stopped.duration_s)


@pytest.mark.parametrize(
    ("numbering", "number"),
    [(Numbering.STREAM, 101), (Numbering.TRACK, 51), (Numbering.NONE, None)],
)
def test_numbers_count_as_asked(numbering: Numbering, number: int | None) -> None:
    """The scope of sequenceNumber isn't documented: each reading can be simulated."""

    socket = Bandwidth(setup("wss://s/bandwidth/tok", numbering=numbering))
    parser = registry.parser(registry.route("/bandwidth/tok"))

    assert Media(Track.OUTBOUND, b"\x01\x02", number) == parser.receive(socket.media(SENT))


def keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return type(value).__name__ if not isinstance(value, str) else "str"


def test_messages_have_the_documented_keys() -> None:
    """What the simulator sends has the shape of the documented samples, key for key."""

    stream = Bandwidth(setup("wss://s/bandwidth/tok", stream_params={"foo": "b", "foos": "b"}))
    tap = SignalWireTap(setup("wss://s/signalwire-tap/tok"), Track.INBOUND)
    ws = sample("signalwire-tap", "tap-tapping-ws")
    ws["params"]["segment_id"] = "present when available"
    pairs = [
        ("start", json.loads(stream.opening()[0])),
        ("media-current", json.loads(stream.media(SENT))),
        ("stop", json.loads(stream.closing()[0])),
    ]

    for name, message in pairs:
        assert keys(sample("bandwidth", name)) == keys(message)
    for name, event in (
        ("media-stream-started", stream.started()),
        ("media-stream-stopped", stream.stopped(math.pi)),
    ):
        documented = keys(sample("bandwidth", name))
        del documented["enqueuedTime"]
        assert documented == keys(event)
    assert keys(ws) == keys(tap.started())
