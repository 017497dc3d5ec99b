"""The sink with the real control behind it, over a database in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from chalicelib.errors import PreconditionFailed, Unavailable
from chalicelib.ports.values import JoinRequest
from chalicelib.recording.model import Ending, RecordOptions, State
from chalicelib.services.calls.call_lifecycle import CallController
from chalicelib.sink.runtime.limits import Limits
from tests.samples import a_profile
from tests.services.core_desk import Desk
from tests.sink.fakes import FakeControl
from tests.sink.rig import QUICK, STOP, Rig, frame, media, run, start, until

OFFICE = replace(QUICK, alone_after_s=5.0)
OFFICE_SOON_ALONE = replace(QUICK, alone_after_s=0.02)


def office(limits: Limits = OFFICE, **changed: object) -> tuple[Desk, Rig]:
    """Return a database with the profile `support`, and a sink that asks it."""
    profile = replace(a_profile(), name="support", record_call=RecordOptions())
    desk = Desk()
    desk.core.store.profiles["main", "support"] = replace(profile, **changed)  # type: ignore[arg-type]  # any field
    assert isinstance(desk.control, CallController)
    return desk, Rig(
        control=desk.control,
        live=desk.live,
        taps=desk.taps,
        mailbox=desk.core.mailbox,
        limits=limits,
    )


def test_a_call_is_recorded_and_goes_finalizing() -> None:
    """The stream's row is complete, the call closed, and the finalization started, once."""

    async def scenario() -> None:
        desk, rig = office()
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            for number in range(10):
                await socket.send(media(number))
            await socket.send(STOP)
            await until(lambda: desk.workflows.finalizations)
        (recording,) = desk.core.store.recordings.values()
        (stream,) = desk.core.calls.streams("main/bandwidth/c-1")
        assert State.FINALIZING is recording.state
        assert (Ending.STOPPED, True) == (stream.ending, stream.complete)
        assert not desk.core.calls.get("main/bandwidth/c-1").open
        assert b"".join(map(frame, range(10))) == rig.stored("segments/main/bandwidth/c-1/")

    run(scenario)


def test_a_call_that_streams_again_is_another_round() -> None:
    """After the close the same call id starts a recording that continues the first."""

    async def scenario() -> None:
        desk, rig = office()
        async with rig.running():
            for turn in (1, 2):
                async with rig.bandwidth() as socket:
                    for message in (start(stream_id=f"s-{turn}"), media(turn), STOP):
                        await socket.send(message)
                    await until(lambda turn=turn: len(desk.workflows.finalizations) == turn)
        first, second = sorted(desk.core.store.recordings.values(), key=lambda one: one.round)
        assert first.recording_id == second.continues

    run(scenario)


def test_a_token_of_another_dialects_profile_records_nothing() -> None:
    """The path's dialect must be the profile's."""

    async def scenario() -> None:
        desk, rig = office(dialect="signalwire-tap")
        async with rig.running(), rig.bandwidth() as socket:
            for message in (start(), media(0)):
                await socket.send(message)
            await socket.wait_closed()
            assert (1008, "wrong_dialect") == (socket.close_code, socket.close_reason)
        assert {} == rig.store.objects
        assert {} == desk.core.store.recordings

    run(scenario)


def test_a_short_outage_of_the_database_loses_nothing() -> None:
    """The database fails at any of a call's questions, and the call is recorded all the same."""

    async def scenario(at: int) -> None:
        desk, rig = office()
        async with rig.running():
            desk.core.faults.after(at)
            async with rig.bandwidth() as socket:
                for message in (start(), media(0), STOP):
                    await socket.send(message)
                await until(lambda: desk.workflows.finalizations)
                await until(lambda: not rig.sink.call_registry.calls)
        (recording,) = desk.core.store.recordings.values()
        assert State.FINALIZING is recording.state
        assert frame(0) == rig.stored("segments/main/bandwidth/c-1/")

    for at in range(1, 12):
        run(lambda at=at: scenario(at))


@dataclass
class Late:
    """A control that lets a stream's join wait until another one ended, and a little longer."""

    control: CallController
    ended: int = 0
    left: int = 5
    """times that the stream `s-2` still asks in vain after that"""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.control, name)

    def join_call(self, joining: JoinRequest) -> Any:
        """Put a stream under its call."""
        if joining.carrier_stream_id == "s-2" and self.left:
            self.left -= bool(self.ended)
            raise Unavailable("the database is away")
        return self.control.join_call(joining)

    def end_stream(self, *ended: Any, **named: Any) -> Ending:
        """Note that a stream ended."""
        self.ended += 1
        return self.control.end_stream(*ended, **named)


def test_what_ended_before_it_could_join_is_of_the_same_recording() -> None:
    """Two streams of a call begin and end while the database is away: where one joins and ends
    before the other has joined, the call stays open for that."""

    async def scenario() -> None:
        desk, rig = office(OFFICE_SOON_ALONE)
        control = Late(desk.control)
        rig = replace(rig, control=cast(FakeControl, control))
        async with rig.running(), rig.bandwidth() as first, rig.bandwidth() as second:
            for turn, socket in ((2, second), (1, first)):
                for message in (start(stream_id=f"s-{turn}"), media(turn), STOP):
                    await socket.send(message)
            await until(lambda: desk.workflows.finalizations)
            await until(lambda: not rig.sink.call_registry.calls)
        assert 0 == control.left
        assert 2 == len(desk.core.calls.streams("main/bandwidth/c-1"))
        assert 1 == len(desk.core.store.recordings)

    run(scenario)


def test_a_worker_that_may_be_dead_adds_audio_and_moves_nothing() -> None:
    """Its renewals didn't come through for long: what it hears is stored, and the recording stays
    as it is until the worker knows that it lives. It doesn't: it ends."""

    async def live(desk: Desk, rig: Rig) -> None:
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await until(lambda: desk.core.store.recordings)
            rig.leases.is_away = True
            await until(lambda: rig.sink.health.failures["lease"] > 3)
            for message in (media(0), media(1), STOP):
                await socket.send(message)
            await until(lambda: rig.stored("segments/") == frame(0) + frame(1))
            rig.leases.is_away, rig.leases.is_buried = False, True
            assert rig.life is not None
            await asyncio.wait({rig.life})

    async def scenario() -> None:
        desk, rig = office(replace(OFFICE, lease_sure_s=0.1))
        with pytest.raises(PreconditionFailed):
            await live(desk, rig)
        assert ["recording"] == desk.states()
        (stream,) = desk.core.calls.streams("main/bandwidth/c-1")
        assert None is stream.ending

    run(scenario)
