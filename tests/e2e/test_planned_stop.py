"""A worker is stopped as planned while calls are live: what their carriers meet elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from chalicelib.capture.events import Encoding, Track
from tests.e2e.listening import hear
from tests.e2e.stage import Stage
from trials.chaos.caller import IN, OUT, Call, Caller, Kind
from trials.chaos.kills import latencies
from trials.chaos.slots import Life, Slot, slots
from trials.chaos.verdict import Recorded, Verdict, judge

pytestmark = pytest.mark.e2e

KINDS = (
    Kind(dialect="bandwidth", tracks=(IN, OUT), begins_anew=True),
    Kind(dialect="signalwire-tap", tracks=(IN,), begins_anew=True),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT), begins_anew=True),
    Kind(dialect="signalwire-tap", tracks=(IN, OUT), apart=True, begins_anew=True),
)
"""the last one's listen tap meets the other worker, which passes it on to the one that stops"""
CALL_S = 90.0
"""at most: a call is hung up when enough of it was heard at either worker"""
FRAMES = 50
ENOUGH_WITHIN_S = 60.0
EXIT_WITHIN_S = 110.0


@dataclass
class Stopping:
    """Two workers, of which one is stopped."""

    stage: Stage
    leaving: Life
    staying: Life
    calls: list[Call] = field(default_factory=list)
    is_stopped: bool = False
    exit_code: int | None = None

    async def play(self) -> None:
        """Play the calls to their ends; the worker is stopped meanwhile."""
        playing = [asyncio.create_task(self._play(kind)) for kind in KINDS]
        await self._until_heard(self.leaving, lambda call: call.kind.tracks[:1])
        self.is_stopped = True
        stopped_s = time.monotonic()
        self.leaving.process.terminate()
        ended = asyncio.to_thread(self.leaving.process.wait, EXIT_WITHIN_S)
        await self._until_heard(self.staying, lambda call: call.kind.tracks)
        for call in self.calls:
            call.hang_up.set()
        self.exit_code, *_ = await asyncio.gather(ended, *playing)
        self.leaving.killed_s = stopped_s  # what was sent to it from then on, nobody promised

    async def _until_heard(self, life: Life, tracks: Callable[[Call], Sequence[Track]]) -> None:
        """Wait until enough frames of these tracks of every call went to a worker."""
        async with asyncio.timeout(ENOUGH_WITHIN_S):
            while len(self.calls) < len(KINDS) or any(
                sum(one.life is life for one in call.sent.get(track, [])) < FRAMES
                for call in self.calls
                for track in tracks(call)
            ):
                await asyncio.sleep(0.05)

    async def _play(self, kind: Kind) -> None:
        call = Call(
            call_id=self.stage.fresh(f"stopped-{len(self.calls)}"),
            kind=kind,
            seconds=CALL_S,
            encoding=Encoding.PCMU,
        )
        self.calls.append(call)
        await Caller(self.stage, call, self._living).play(self.leaving)

    def _living(self) -> list[Life]:
        return [self.staying] if self.is_stopped else [self.leaving, self.staying]


@pytest.fixture
def places(stage: Stage) -> Iterator[list[Slot]]:
    """Two workers' places, with puts as slow as they are promised for."""
    with slots(stage, 2, latencies(Random("planned stop"))) as made:
        yield made


def judged(stage: Stage, call: Call) -> Verdict:
    """Compare a call's recording with what was sent; there is one, and it is finished."""
    shown = stage.await_ended(call.call_id, within_s=90)
    assert "finished" == shown["state"]
    return judge(call, [Recorded(shown=shown, heard=hear(stage.customer.download(shown["url"])))])


def test_a_call_goes_on_where_its_carrier_comes_back(stage: Stage, places: list[Slot]) -> None:
    """Every call of the stopped worker is one recording: all that was sent before SIGTERM is in it,
    bit for bit, as is what came to the other worker, and the hole between them is told."""

    async def scenario() -> Stopping:
        leaving, staying = await asyncio.gather(*(place.start() for place in places))
        stopping = Stopping(stage, leaving, staying)
        await stopping.play()
        return stopping

    stopping = asyncio.run(scenario())

    assert 0 == stopping.exit_code
    for call in stopping.calls:
        verdict = judged(stage, call)
        assert {0.0} == {*verdict.losses_s.values(), 0.0}, call.kind
        wrong = (verdict.unexplained, verdict.corrupt, verdict.reordered, verdict.duplicated)
        assert (0, 0, 0, 0) == wrong, call.kind
        assert [] == verdict.untold
        assert verdict.holes > 0, call.kind
