"""A call of two sockets, one of each direction, is paused as one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from websockets.asyncio.client import ClientConnection

from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import RecordOptions
from tests.services.core_desk import Desk
from tests.sink.calls.test_with_call_control import office
from tests.sink.rig import Rig, frame, run, until

CALL_KEY = "main/signalwire/c-1"
BEFORE, SECRET, AFTER = range(50), range(30_000, 30_050), range(100, 150)


async def say(sockets: Iterable[ClientConnection], numbers: range) -> None:
    """Send frames in real time, other ones on each socket."""
    for number in numbers:
        for order, socket in enumerate(sockets):
            await socket.send(frame(number + 1000 * order))
        await asyncio.sleep(0.02)


async def command(desk: Desk, rig: Rig, kind: CommandKind) -> None:
    """Give a command about the call's recording, and wait until it is carried out."""
    (recording,) = desk.core.recordings.of_call(CALL_KEY)
    given = Command(
        command_id=str(kind),
        kind=kind,
        worker="w-1",
        call_key=CALL_KEY,
        recording_id=recording.recording_id,
        at=datetime.now(UTC),
    )
    rig.mailbox.send(given)
    await until(lambda: not rig.mailbox.is_waiting(given))


def test_both_directions_of_a_tapped_call_are_paused() -> None:
    """Nothing of either side is stored from the pause on, and all of both from the resume on."""

    async def scenario() -> None:
        desk, rig = office(dialect="signalwire-tap", record_call=RecordOptions(stereo=True))
        async with rig.running(), rig.tap() as speak, rig.tap(direction="listen") as listen:
            both = (speak, listen)
            await say(both, BEFORE)
            await until(lambda: bool(desk.core.recordings.of_call(CALL_KEY)))
            await command(desk, rig, CommandKind.PAUSE)
            await say(both, SECRET)
            await asyncio.sleep(0.2)
            await command(desk, rig, CommandKind.RESUME)
            await say(both, AFTER)
        everything = b"".join(rig.store.objects.values())
        sides = (0, 1000)
        assert [] == [n for n in SECRET for side in sides if frame(n + side) in everything]
        kept = [n for n in (*BEFORE, *AFTER) for side in sides if frame(n + side) in everything]
        assert len(kept) >= 2 * (len(BEFORE) + len(AFTER)) - 4

    run(scenario)
