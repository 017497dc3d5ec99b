"""A whole worker on real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.capture.events import Track
from chalicelib.recording.commands import Command
from chalicelib.recording.model import Ending
from tests.fake_accounts import FakeMailbox
from tests.fake_store import Store
from tests.sink.raw import CLOSE, TEXT, Raw, websocket_frame
from tests.sink.rig import QUICK, STOP, Rig, frame, media, run, start, token, until


def test_a_call_of_two_tracks_is_stored_byte_for_byte() -> None:
    """What a Bandwidth stream sent lies in segments, both tracks, when its call is closed."""

    async def scenario() -> None:
        async with Rig().running() as rig:
            async with rig.bandwidth() as socket:
                await socket.send(start())
                for number in range(50):
                    await socket.send(media(number))
                    await socket.send(media(number + 1000, "outbound"))
                await socket.send(STOP)
                await until(lambda: rig.control.closed)
            inbound = b"".join(frame(number) for number in range(50))
            outbound = b"".join(frame(number + 1000) for number in range(50))
            assert inbound == rig.stored("segments/main/bandwidth/c-1/")
            assert outbound == rig.stored("segments/main/bandwidth/c-1/", Track.OUTBOUND)
            assert [Ending.STOPPED] == list(rig.control.endings.values())

    run(scenario)


def test_a_planned_stop_loses_nothing_that_was_received() -> None:
    """At SIGTERM carriers are sent away, what they sent is stored, and their calls are closed."""

    async def scenario() -> None:
        rig = Rig()
        rig.store.delay_s = 0.05
        async with rig.running():
            sockets = [await rig.open(f"c-{number}") for number in range(20)]
            for number in range(30):
                for socket in sockets:
                    await socket.send(media(number))
            await sockets[-1].ping()
            rig.sink.stop()
            rig.sink.stop()
            for socket in sockets:
                await socket.wait_closed()
                assert 1001 == socket.close_code
        whole = b"".join(frame(number) for number in range(30))
        for number in range(20):
            assert whole == rig.stored(f"segments/main/bandwidth/c-{number}/")
        assert {Ending.BROKEN} == set(rig.control.endings.values())
        assert 20 == len(rig.control.closed)
        assert ["w-1"] == rig.leases.released

    run(scenario)


def test_a_stream_whose_start_is_still_on_its_way_is_heard_out() -> None:
    """At SIGTERM a socket may hold unread messages: the worker reads them before it ends."""

    async def scenario() -> None:
        rig = Rig()
        async with rig.running():
            raw = await Raw.connect(rig.port)
            assert 101 == await raw.ask(f"/bandwidth/{token()}")
            rig.sink.stop()
            assert 1001 == await raw.close_code()
            for message in (start(), media(0), media(1)):
                raw.send(websocket_frame(TEXT, message.encode()))
            raw.send(websocket_frame(CLOSE, b"\x03\xe9"))
            assert await raw.is_cut()
        assert frame(0) + frame(1) == rig.stored("segments/main/bandwidth/c-1/")
        assert 1 == len(rig.control.closed)
        assert ["w-1"] == rig.leases.released

    run(scenario)


def test_calls_that_could_not_be_ended_are_left_to_the_sweeper() -> None:
    """When the database stays away the stop ends in time, and the lease isn't released."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, stop_within_s=0.5))
        async with rig.running(), rig.bandwidth() as socket:
            await socket.send(start())
            await socket.send(media(0))
            await until(lambda: rig.control.joinings)
            rig.control.is_away = True
            rig.sink.stop()
            await socket.wait_closed()
        assert frame(0) == rig.stored("segments/main/bandwidth/c-1/")
        assert [] == rig.leases.released

    run(scenario)


def test_what_a_planned_stop_could_not_store_is_told_as_lost() -> None:
    """The store stays away until the end: what neither journal nor segment has is counted."""

    async def scenario() -> None:
        limits = replace(QUICK, stop_within_s=0.5, segment_every_s=0.1)
        rig = Rig(limits=limits)
        rig.store.is_away = True
        async with rig.running():
            socket = await rig.open("c-1")
            for number in range(40):
                await socket.send(media(number))
                await asyncio.sleep(0.01)
            await until(lambda: rig.store.refused)
            assert "segments: slow_down" in rig.sink.health.degraded
            rig.sink.stop()
            await socket.wait_closed()
        assert 0 < rig.sink.health.lost.total() <= 40 * 160
        assert [] == rig.leases.released

    run(scenario)


class Broken(FakeMailbox):
    """A mailbox that fails with an unexpected error."""

    def waiting(self, worker: str) -> list[Command]:
        """Fail."""
        raise ZeroDivisionError(worker)


def test_a_worker_that_cannot_hear_commands_ends() -> None:
    """Otherwise it would record through every pause, unnoticed."""

    async def scenario() -> None:
        rig = Rig(mailbox=Broken(Store()))
        await rig.sink.start("127.0.0.1", 0)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(rig.sink.run(), 5)

    run(scenario)


def test_keys_are_read_again() -> None:
    """A rotated key is good without a restart."""

    async def scenario() -> None:
        rig = Rig(limits=replace(QUICK, keys_every_s=0.05))
        async with rig.running():
            new = b"n" * 32
            rig.keys[:] = [new]
            await asyncio.sleep(0.2)
            async with rig.bandwidth(token(key=new)) as socket:
                await socket.send(start())
                await until(lambda: rig.control.joinings)

    run(scenario)
