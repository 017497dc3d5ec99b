"""Which streams of a dead worker carriers are asked to tap again, and how often."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.errors import Conflict, Forbidden, NotFound, TapedeckError, Unavailable
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.carrier_reports import CarrierReport
from chalicelib.recording.model import CallRef, Ending, Profile
from chalicelib.services.calls.instructions import Deployment
from chalicelib.services.recovery.retap import WAITS_S, Retapper
from tests.samples import a_joining, a_lease, a_profile, an_announcement, later
from tests.services.core_desk import Desk

CALL = CallRef(account="main", carrier="signalwire", call_id="c-1")
DOOR = CarrierDoor(carrier="signalwire", url="https://s.signalwire.com", authorization="Basic x")
DEAD, LIVING = "worker-1", "worker-2"


@dataclass
class FakeApi:
    """The port CarrierApi: notes what was asked; raises what it has, in order."""

    raises: list[TapedeckError] = field(default_factory=list)
    tapped: list[TapAgain] = field(default_factory=list)

    def tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Note it."""
        assert DOOR == door
        self.tapped.append(wanted)
        if self.raises:
            raise self.raises.pop(0)

    def standing(self, door: CarrierDoor, call: CarrierCall) -> Standing:
        """Nobody asks here."""
        raise NotImplementedError


class World:
    """A call with two tapped streams on a worker whose lease was seen at 7 renewals."""

    def __init__(self, **profile: Any) -> None:
        changes = {"dialect": "signalwire-tap", "carrier": "signalwire", **profile}
        self.desk = Desk(a_profile(**changes))
        self.api = FakeApi()
        self.door: CarrierDoor | None = DOOR
        self.waits: list[float] = []
        ticks = count()
        core = self.desk.core
        core.leases.renew(a_lease(worker=DEAD, renewals=7))
        for number, (word, track) in enumerate(
            (("speak", Track.INBOUND), ("listen", Track.OUTBOUND))
        ):
            self.join(f"stream-{number}", word, track, DEAD, at=number)
        self.needs = Retapper(
            leases=core.leases,
            live_streams=core.live_streams,
            calls=core.calls,
            profiles=core.profiles,
            recordings=core.recordings,
            history=core.history,
            retaps=core.retaps,
            door=self._door,
            api=self.api,
            deployment=lambda: Deployment(
                public_url="https://api.example/api",
                sink_url="wss://sink.example",
                token_keys=[bytes(32)],
            ),
            now=lambda: later(10 + next(ticks)),
            wait=self.waits.append,
        )

    def join(self, key: str, word: str, track: Track, worker: str, at: float) -> None:
        """Let a stream join."""
        joining = a_joining(
            call=CALL,
            stream_key=key,
            carrier_stream_id=f"c-1/{word}",
            dialect=self.desk.core.profiles.get("main", "front").dialect,
            tracks=(track,),
            worker=worker,
            encoding=Encoding.PCMA,
            opened_at=later(at),
            claims_over_epoch=9 if worker != DEAD else 0,
        )
        self.desk.control.join_call(joining)

    def retap(self, renewals: int = 7) -> dict[str, int]:
        """Let carriers tap again."""
        return dict(self.needs.retap(DEAD, renewals))

    def told(self) -> list[tuple[str, object]]:
        """Return what the recording's history says of it."""
        (recording,) = self.desk.core.store.recordings.values()
        events = self.desk.core.history.events(recording.recording_id)
        return [(one.event, one.detail.get("fact", "")) for one in events if "retap" in one.event]

    def _door(self, profile: Profile) -> CarrierDoor | None:
        assert "front" == profile.name
        return self.door


def test_each_stream_is_tapped_again_as_it_was() -> None:
    """Direction, encoding, a place of ours for the same call, and where to post what becomes."""

    world = World()

    assert {"retapped": 2} == world.retap()

    asked = sorted(world.api.tapped, key=lambda wanted: wanted.direction)
    assert ["listen", "speak"] == [wanted.direction for wanted in asked]
    assert {Encoding.PCMA} == {wanted.encoding for wanted in asked}
    assert {"c-1"} == {wanted.call.call_id for wanted in asked}
    for wanted in asked:
        start, _, end = wanted.uri.partition("/signalwire-tap/")
        assert ("wss://sink.example", f"c-1/{wanted.direction}") == (start, end.partition("/")[2])
        assert wanted.status_url.startswith("https://api.example/api/hooks/signalwire/")
    assert 2 == len({wanted.control_id for wanted in asked})
    assert [("retapped", "")] * 2 == world.told()


def test_a_call_goes_by_the_name_that_its_carrier_told() -> None:
    """A webhook may have said another call id than the path's."""

    world = World()
    said = an_announcement(call=CALL, carrier_stream_id="c-1/speak")
    core = world.desk.core.store
    core.announcements[CALL.key, "c-1/speak"] = _named(said)

    world.retap()

    assert {CarrierCall(call_id="real", segment_id="leg")} == {
        wanted.call for wanted in world.api.tapped
    }


def _named(said: CarrierReport) -> CarrierReport:
    return replace(
        said, facts=replace(said.facts, carrier_call_id="real", carrier_segment_id="leg")
    )


def test_twice_is_once() -> None:
    """Neither the same execution again, nor another one, asks for what was asked for."""

    world = World()

    world.retap()
    again = world.retap()
    world.desk.core.leases.renew(a_lease(worker=DEAD, renewals=8))
    later_on = world.retap(renewals=8)

    assert {"taken": 2} == again == later_on
    assert 2 == len(world.api.tapped)


def test_what_an_execution_began_it_may_begin_again() -> None:
    """A crash before the carrier answered: the same control ids, which a carrier takes once."""

    world = World()
    world.api.raises = [Unavailable("HTTP 503")] * 6

    with pytest.raises(Unavailable):
        world.retap()
    assert {"retapped": 2} == world.retap()

    assert 2 == len({wanted.control_id for wanted in world.api.tapped})
    assert sorted(WAITS_S * 2) == sorted(world.waits)
    assert [("retapped", "")] * 2 == world.told()


def test_a_worker_that_renewed_is_left_alone() -> None:
    """Somebody was wrong about its death."""

    world = World()
    world.desk.core.leases.renew(a_lease(worker=DEAD, renewals=8))

    assert {} == world.retap()
    assert [] == world.api.tapped


def test_a_worker_that_was_buried_meanwhile_is_none_the_less_dead() -> None:
    """Its streams have ended as dead ones, and their call is still open."""

    world = World()
    world.desk.core.leases.declare_dead(a_lease(worker=DEAD, renewals=7))
    for stream in world.desk.core.calls.streams(CALL.key):
        world.desk.control.lose_stream(stream, later(2))

    assert {"retapped": 2} == world.retap()


def test_what_another_worker_has_already_is_left_alone() -> None:
    """A passer that went on, or a carrier that began anew by itself."""

    world = World()
    world.join("stream-9", "listen", Track.OUTBOUND, LIVING, at=4)

    assert {"retapped": 1, "replaced": 1} == world.retap()
    assert ["speak"] == [wanted.direction for wanted in world.api.tapped]


def test_a_call_that_is_over_is_left_alone() -> None:
    """It was closed, whoever did it."""

    world = World()
    for stream in world.desk.core.calls.streams(CALL.key):
        world.desk.control.lose_stream(stream, later(2))
    world.desk.control.close_call(CALL, 1, later(60))

    assert {"over": 2} == world.retap()
    assert [] == world.api.tapped


def test_a_stream_that_ended_by_itself_is_left_alone() -> None:
    """Its tap was stopped while the call went on."""

    world = World()
    world.desk.control.end_stream(CALL, "stream-0", Ending.CLOSED, later(3))

    assert {"retapped": 1} == world.retap()


@pytest.mark.parametrize(
    ("refusal", "outcome", "told"),
    [
        (NotFound("HTTP 404"), "over", ("over", "HTTP 404")),
        (Forbidden("HTTP 422"), "retap_failed", ("retap_failed", "HTTP 422")),
        (Conflict("none", code="cant_tap"), "not_possible", ("not_possible", "none")),
    ],
)
def test_a_refusal_is_an_answer(
    refusal: TapedeckError, outcome: str, told: tuple[str, str]
) -> None:
    """It isn't asked again, and the history says it."""

    world = World()
    world.api.raises = [refusal, refusal]

    assert {outcome: 2} == world.retap()
    assert {"taken": 2} == world.retap()
    assert [] == world.waits
    (recording,) = world.desk.core.store.recordings.values()
    events = world.desk.core.history.events(recording.recording_id)
    assert told in [(one.event, one.detail.get("fact")) for one in events]


def test_a_carrier_that_can_t_be_asked_isn_t() -> None:
    """No API in the profile's secret."""

    world = World()
    world.door = None

    assert {"not_possible": 2} == world.retap()
    assert [] == world.api.tapped


def test_one_call_s_trouble_is_its_own() -> None:
    """A profile that is gone fails its streams alone, and raises nothing."""

    world = World()
    del world.desk.core.store.profiles["main", "front"]

    assert {"retap_failed": 2} == world.retap()


@pytest.mark.parametrize("acts", [False, True])
@pytest.mark.parametrize("n", range(1, 16))
def test_any_step_may_fail_and_be_done_again(n: int, acts: bool) -> None:
    """Each stream is asked for under one control id, once more at most than without the fault."""

    world = World()
    faults = world.desk.core.faults
    (faults.after if acts else faults.before)(n)

    with suppress(Unavailable):
        world.retap()
    world.retap()

    asked = [wanted.control_id for wanted in world.api.tapped]
    assert 2 == len(set(asked))
    assert len(asked) <= 3
