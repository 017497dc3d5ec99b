"""A worker that is killed during a database outage, before its stream ever joined."""

from __future__ import annotations

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording.model import Ending, State
from chalicelib.services.orphans import Orphans
from tests.fakes_media import FakeMediaStore
from tests.samples import a_profile
from tests.services.core_desk import Desk
from tests.sink.fakes import FakeControl
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

        assert 1 == Orphans(control=desk.control, media=journal).adopt("w-1")

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
