"""A whole worker on real sockets."""

from __future__ import annotations

from chalicelib.capture.events import Track
from chalicelib.recording.model import Ending
from tests.sink.rig import STOP, Rig, frame, media, run, start, until


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
