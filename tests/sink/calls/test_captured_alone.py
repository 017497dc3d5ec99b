"""What was captured during a database outage, before its stream ever joined."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.model import Ending, State
from chalicelib.services.recovery.orphans import OrphanAdopter
from tests.fakes_media import FakeMediaStore
from tests.samples import a_profile
from tests.services.core_desk import Desk
from tests.sink.fakes import FakeControl
from tests.sink.pair import UNHURRIED, pair, pcm
from tests.sink.rig import Rig, frame, media, run, start, until


def test_its_journal_says_enough_to_join() -> None:
    """What it captured alone is found by its journal, and becomes a recording of its profile."""

    async def scenario() -> None:
        async with Rig(control=FakeControl(is_away=True)).running() as rig:
            async with rig.bandwidth() as socket:
                for message in (start(), media(0), media(1)):
                    await socket.send(message)
                await until(lambda: rig.stored("journal/") == frame(0) + frame(1))
                await rig.die()
            journal = FakeMediaStore(dict(rig.store.objects))
        desk = Desk()
        desk.core.store.profiles["main", "support"] = a_profile(name="support")

        assert 1 == OrphanAdopter(control=desk.control, media=journal).adopt("w-1")

        (call,) = desk.core.store.calls.values()
        (stream,) = desk.core.calls.streams(call.ref.key)
        assert ("bandwidth", "c-1", "s-1", "w-1") == (
            call.ref.carrier,
            call.ref.call_id,
            stream.carrier_stream_id,
            stream.worker,
        )
        assert ((Track.INBOUND,), Encoding.PCMU, Ending.DEAD) == (
            stream.tracks,
            stream.encoding,
            stream.ending,
        )
        (recording,) = desk.core.recordings.of_call(call.ref.key)
        assert (State.RECORDING, "support") == (recording.state, recording.profile)

    run(scenario)


def test_what_two_workers_captured_alone_is_one_recording() -> None:
    """Each has a side of the call, which is over when the database comes back: who joins and ends
    first leaves the other time to join."""

    async def scenario() -> None:
        async with pair(replace(UNHURRIED, alone_after_s=0.1, rejoin_s=1.0)) as two:
            two.desk.core.faults.down()
            two.far_control.is_away = True
            inbound = await two.side(two.near, "inbound")
            outbound = await two.side(two.far, "outbound")
            await asyncio.gather(inbound.say(range(20)), outbound.say(range(100, 120)))
            await asyncio.gather(inbound.stop(), outbound.stop())
            two.desk.core.faults.up()
            await until(lambda: two.streams() and two.streams()[0].ended_at)
            two.far_control.is_away = False
            await two.ended()
            assert [1, 1] == [stream.round for stream in two.streams()]
            left, right, _ = two.heard()
        assert pcm(range(20)) in left
        assert pcm(range(100, 120)) in right

    run(scenario)
