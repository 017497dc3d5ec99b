"""Which streams of a dead worker need none in their place, and which do all the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from chalicelib.capture.events import Track
from chalicelib.carriers.contract.call_api import TapAgain
from chalicelib.errors import Unavailable
from chalicelib.ports.values import CarrierDoor
from tests.samples import later
from tests.services.recovery.test_retap import CALL, LIVING, FakeApi, World


@dataclass
class HalfDeafApi(FakeApi):
    """Answers for one direction alone."""

    is_deaf: bool = True

    def tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Note it, or don't answer."""
        if self.is_deaf and wanted.direction == "listen":
            raise Unavailable("HTTP 503")
        super().tap(door, wanted)


def test_one_tap_without_an_answer_lets_the_execution_try_again() -> None:
    """That the carrier answered for the others is no reason to give this one up."""

    world = World()
    api = HalfDeafApi()
    world.needs = replace(world.needs, api=api)

    with pytest.raises(Unavailable, match="1 of 2 taps"):
        world.retap()
    api.is_deaf = False

    assert {"retapped": 1, "taken": 1} == world.retap()
    assert ["speak", "listen"] == [wanted.direction for wanted in api.tapped]


def test_a_stream_of_an_earlier_round_is_over() -> None:
    """Its call was closed, and streams again elsewhere."""

    world = World()
    for stream in world.desk.core.calls.streams(CALL.key):
        world.desk.control.lose_stream(stream, later(2))
    world.desk.control.close_call(CALL, 1, later(60))
    world.join("stream-9", "speak", Track.INBOUND, LIVING, at=61)

    assert {"over": 2} == world.retap()
    assert [] == world.api.tapped


def test_a_stream_that_was_there_before_replaces_none() -> None:
    """Only one that began since the lost one did can stand in its place."""

    world = World()
    world.join("stream-9", "listen", Track.OUTBOUND, LIVING, at=0.5)

    assert {"retapped": 2} == world.retap()


def test_a_stream_with_some_of_the_tracks_replaces_none() -> None:
    """The other party would be missing from then on."""

    world = World()
    streams = world.desk.core.store.streams
    for key, stream in list(streams.items()):
        streams[key] = replace(stream, tracks=(Track.INBOUND, Track.OUTBOUND))
    world.join("stream-9", "listen", Track.OUTBOUND, LIVING, at=4)

    assert {"retapped": 2} == world.retap()
