"""A worker dies in the midst of a tapped call; the other starts what asks the carrier, and gets the
call's new stream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

from chalicelib.carriers.contract.call_api import CarrierCall, Standing, TapAgain
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.model import Ending, RecordOptions
from chalicelib.services.calls.instructions import Deployment
from chalicelib.services.recovery.retap import Retapper
from tests.fakes import FakeWorkflows
from tests.services.core_desk import Desk
from tests.sink.calls.test_with_call_control import office
from tests.sink.fakes import SlowStore
from tests.sink.pair import UNHURRIED
from tests.sink.rig import KEY, Rig, frame, run, until

KEY_OF_CALL = "main/signalwire/c-1"
LIMITS = replace(UNHURRIED, detector_silent_s=0.3, detector_dead_s=30.0)
DOOR = CarrierDoor(carrier="signalwire", url="https://s.signalwire.com", authorization="Basic x")
FRAMES = 25


@dataclass
class Carrier:
    """The port CarrierApi: it taps to the worker that lives."""

    living: Rig
    loop: asyncio.AbstractEventLoop
    asked: list[TapAgain] = field(default_factory=list)

    def tap(self, door: CarrierDoor, wanted: TapAgain) -> None:
        """Begin a stream, and talk."""
        self.asked.append(wanted)
        asyncio.run_coroutine_threadsafe(self._talk(wanted), self.loop)

    def standing(self, door: CarrierDoor, call: CarrierCall) -> Standing:
        """Not called here."""
        raise NotImplementedError

    async def _talk(self, wanted: TapAgain) -> None:
        uri = f"ws://127.0.0.1:{self.living.port}{urlsplit(wanted.uri).path}"
        async with connect(uri, compression=None) as socket:
            for number in range(FRAMES):
                await socket.send(frame(100 + number))
                await asyncio.sleep(0.02)


class Executions(FakeWorkflows):
    """Workflows that run at once what asks carriers."""

    needs: Retapper | None = None

    def start_retaps(self, worker: str, renewals: int) -> None:
        """Run it, in the thread that starts it."""
        super().start_retaps(worker, renewals)
        assert self.needs is not None
        self.needs.retap(worker, renewals)


def a_pair() -> tuple[Desk, Rig, Rig, Executions]:
    """Return a database, and two workers that know it."""
    changes = {"dialect": "signalwire-tap", "carrier": "signalwire"}
    desk, near = office(LIMITS, record_call=RecordOptions(), **changes)
    workflows = Executions()
    far = Rig(
        name="w-2",
        control=near.control,
        live=near.live,
        taps=near.taps,
        mailbox=near.mailbox,
        store=SlowStore(objects=near.store.objects),
        leases=near.leases,
        workflows=workflows,
        limits=LIMITS,
    )
    return desk, near, far, workflows


def asking(desk: Desk, near: Rig, carrier: Carrier) -> Retapper:
    """Return what tapping again needs."""
    core = desk.core
    return Retapper(
        leases=near.leases,
        live_streams=core.live_streams,
        calls=core.calls,
        profiles=core.profiles,
        recordings=core.recordings,
        history=core.history,
        retaps=core.retaps,
        door=lambda profile: DOOR,
        api=carrier,
        deployment=lambda: Deployment(
            public_url="https://api.example/api",
            sink_url="wss://sink.example",
            token_keys=[KEY],
        ),
        now=lambda: datetime.now(UTC),
        wait=lambda seconds: None,
    )


def test_a_dead_worker_s_tap_goes_on_at_another() -> None:
    """One command, one call, one recording of two streams; both streams' media is stored."""

    async def scenario() -> None:
        desk, near, far, workflows = a_pair()
        carrier = Carrier(far, asyncio.get_running_loop())
        workflows.needs = asking(desk, near, carrier)
        async with far.running(), near.running():
            async with near.tap() as socket:
                for number in range(FRAMES):
                    await socket.send(frame(number))
                    await asyncio.sleep(0.02)
                await until(lambda: frame(FRAMES - 1) in near.stored("journal/w-1/"))
                await near.die()
            await until(lambda: len(desk.core.calls.streams(KEY_OF_CALL)) == 2, within_s=20)
            old, new = desk.core.calls.streams(KEY_OF_CALL)
            await until(lambda: ended(desk, new.stream_key), within_s=20)

            assert ["speak"] == [wanted.direction for wanted in carrier.asked]
            assert ("w-1", None, 1) == (old.worker, old.ending, old.round)
            assert ("w-2", 1) == (new.worker, new.round)
            assert desk.core.calls.get(KEY_OF_CALL).open
            (recording,) = desk.core.recordings.of_call(KEY_OF_CALL)
            events = desk.core.history.events(recording.recording_id)
            assert ["retapped"] == [one.event for one in events if "retap" in one.event]
            again = b"".join(frame(100 + number) for number in range(FRAMES))
            assert again == far.stored(f"segments/{KEY_OF_CALL}/w-2/")

    run(scenario)


def ended(desk: Desk, stream_key: str) -> bool:
    """Whether a stream's end is known."""
    rows = desk.core.calls.streams(KEY_OF_CALL)
    return any(one.stream_key == stream_key and one.ending is Ending.CLOSED for one in rows)
