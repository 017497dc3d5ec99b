"""Bandwidth's simulated stream, as the parsers of real ones read it."""

from __future__ import annotations

import json
import math

import pytest

from chalicelib.capture.events import Encoding, Media, StreamStarted, StreamStopped, Track
from chalicelib.carriers import registry
from simulator.carriers.bandwidth.stream import Bandwidth
from simulator.socket import Numbering
from tests.carriers.samples import sample
from tests.simulator.setups import SENT, announced, keys, setup


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


def test_messages_have_the_documented_keys() -> None:
    """What the simulator sends has the shape of the documented samples, key for key."""

    stream = Bandwidth(setup("wss://s/bandwidth/tok", stream_params={"foo": "b", "foos": "b"}))
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
