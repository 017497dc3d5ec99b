"""Where a silent call stands, by its carrier; and what follows where it is over."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.errors import Unavailable
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.commands import CommandKind
from chalicelib.services.recovery.call_status import CallStatusChecker
from tests.samples import CALL, a_joining, an_announcement, later
from tests.services.core_desk import Desk

DOOR = CarrierDoor(carrier="bandwidth", url="https://voice.bandwidth.com", authorization="Basic x")


@dataclass
class FakeApi:
    """The port CarrierApi: one answer to every question."""

    standing_: Standing = Standing.ENDED
    is_away: bool = False
    asked: list[CarrierCall] = field(default_factory=list)

    def tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Nobody asks here."""
        raise NotImplementedError

    def standing(self, door: CarrierDoor, call: CarrierCall) -> Standing:
        """Answer."""
        self.asked.append(call)
        if self.is_away:
            raise Unavailable("HTTP 503")
        return self.standing_


class World:
    """A call with one stream that says nothing."""

    def __init__(self, api: FakeApi | None = None) -> None:
        self.desk = Desk()
        self.desk.control.join_call(a_joining())
        self.api = api or FakeApi()
        self.door: CarrierDoor | None = DOOR

    def needs(self) -> CallStatusChecker:
        """Return what asking needs."""
        core = self.desk.core
        return CallStatusChecker(
            calls=core.calls,
            profiles=core.profiles,
            mailbox=core.mailbox,
            door=lambda profile: self.door,
            api=self.api,
            now=lambda: later(600),
        )

    def ask(self) -> Standing:
        """Ask where it stands."""
        return self.needs().check(CALL.key, "stream-1", "worker-9")

    def told(self) -> list[tuple[str, str]]:
        """Return what the worker with the socket was told."""
        waiting = self.desk.core.mailbox.waiting("worker-9")
        return [(str(one.kind), one.stream_key) for one in waiting]


def test_a_call_that_is_over_ends_its_stream() -> None:
    """The worker that has the socket is told so, once however often it asked."""

    world = World()

    assert [Standing.ENDED, Standing.ENDED] == [world.ask(), world.ask()]

    assert [(str(CommandKind.END_STREAM), "stream-1")] == world.told()
    assert CarrierCall(call_id="c-1") == world.api.asked[0]


@pytest.mark.parametrize("standing", [Standing.LIVE, Standing.UNKNOWN])
def test_any_other_answer_changes_nothing(standing: Standing) -> None:
    """Hold is silent, too, and who isn't known may be new."""

    world = World(FakeApi(standing_=standing))

    assert standing is world.ask()
    assert [] == world.told()


def test_no_answer_is_asked_again() -> None:
    """By the execution, that repeats what raises."""

    world = World(FakeApi(is_away=True))

    with pytest.raises(Unavailable):
        world.ask()
    assert [] == world.told()


def test_a_carrier_without_an_api_isn_t_asked() -> None:
    """Then nothing is known."""

    world = World()
    world.door = None

    assert Standing.UNKNOWN is world.ask()
    assert [] == world.api.asked


def test_a_call_that_closed_meanwhile_isn_t_asked_for() -> None:
    """Its stream ended while the execution waited."""

    world = World()
    for stream in world.desk.core.calls.streams(CALL.key):
        world.desk.control.lose_stream(stream, later(5))
    world.desk.control.close_call(CALL, 1, later(60))

    assert Standing.UNKNOWN is world.ask()
    assert [] == world.api.asked


def test_a_call_goes_by_its_carrier_s_names() -> None:
    """Those that webhooks told."""

    world = World()
    said = an_announcement()
    world.desk.core.store.announcements[CALL.key, said.carrier_stream_id] = said

    world.ask()

    assert (
        CarrierCall(call_id="c-1", segment_id=said.facts.carrier_segment_id) == (world.api.asked[0])
    )
