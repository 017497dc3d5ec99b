"""A call that comes by RTP is tapped by RTP into another Tapedeck."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.recording import keys
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.sink.ingest.rtp_lock import LOCK_PACKETS
from tests.sink.rig import run, until
from tests.sink.rtp_rig import CALL, SPEEDY, closed, opened, rtp_rig, sender, stored

CALM = replace(SPEEDY, rtp_silence_s=1.5)
FRAMES, LOST = 120, 50


@pytest.mark.paced
def test_what_comes_by_rtp_goes_on_by_rtp() -> None:
    """Out of order on the way in, in order on the way out; what was lost is silence."""

    async def scenario() -> None:
        first, second = rtp_rig(CALM), rtp_rig(CALM)
        async with first.running(), second.running():
            claim, other = await opened(first), await opened(second)
            async with sender(claim) as carrier:
                loop = asyncio.get_running_loop()
                carrier.sound(range(LOCK_PACKETS))
                begun_s = loop.time()
                await until(lambda: first.control.joinings)
                asked: dict[str, str | int] = {"uri": other.uri, "control_id": "t"}
                command = Command(
                    command_id="tap",
                    kind=CommandKind.TAP,
                    worker="w-1",
                    call_key=CALL.key,
                    recording_id=keys.tap_id(CALL.key, "t"),
                    at=datetime.now(UTC),
                    tap=asked,
                )
                first.mailbox.send(command)
                await until(lambda: not first.mailbox.is_waiting(command))
                first_number = max(LOCK_PACKETS, round((loop.time() - begun_s) / 0.02))
                said = [first_number + n for n in range(FRAMES) if n != LOST]
                for number in said:
                    late_s = 0.025 if number == first_number + 20 else 0
                    at_s = begun_s + number * 0.02 + 0.02 + late_s
                    loop.call_at(at_s, carrier.sound, [number])
                await closed(second)
        heard = [number for number in stored(second).numbers() if number in said]
        assert said == heard

    run(scenario)
