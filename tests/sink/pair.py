"""Two workers of one deployment, each a whole sink with sockets of its own, and a call on both."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
import wave
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.errors import Unavailable
from chalicelib.media import codecs
from chalicelib.recording import keys
from chalicelib.recording.close_grace import Graces
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.manifest import Manifest, parse_manifest
from chalicelib.recording.model import Recording, RecordOptions, Stream
from chalicelib.services.calls.call_lifecycle import CallController
from chalicelib.services.finalization.assemble import assemble
from chalicelib.services.recovery.dead_workers import DeadWorkerCleaner, TakeoverController
from chalicelib.sink.runtime.limits import Limits
from tests.fakes_media import FakeRenditionStore
from tests.services.core_desk import Desk
from tests.sink.calls.test_with_call_control import office
from tests.sink.fakes import FakeControl, SlowStore
from tests.sink.rig import QUICK, STOP, Rig, frame, start, token, until

CALL_KEY = "main/bandwidth/c-1"
UNHURRIED = replace(
    QUICK,
    alone_after_s=5.0,
    forwarding_alive_s=0.1,
    forwarding_reach_s=0.5,
    detector_every_s=0.1,
    detector_dead_s=0.9,
    detector_late_s=0.5,
    detector_blind_s=0.5,
)
BETWEEN = 60_000
"""the number of the frame that is sent while nothing particular is said"""


@dataclass
class Side:
    """One track of the call on one socket: a carrier's stream that talks without a pause."""

    track: str
    rig: Rig
    socket: ClientConnection
    script: deque[int] = field(default_factory=deque)
    sent: list[int] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    async def say(self, numbers: Iterable[int]) -> None:
        """Have these frames sent next; return when they are."""
        self.script.extend(numbers)
        await until(lambda: not self.script, within_s=20)

    async def talk(self) -> None:
        """Send a frame each 20 ms."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            self.sent.append(self.script.popleft() if self.script else BETWEEN)
            await self.socket.send(self._message())
            await asyncio.sleep(begun + len(self.sent) * 0.02 - loop.time())

    async def hush(self) -> None:
        """Say nothing more."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def stop(self) -> None:
        """Say that the stream is over."""
        await self.hush()
        await self.socket.send(STOP)

    def _message(self) -> str:
        payload = base64.b64encode(frame(self.sent[-1])).decode()
        said = {"sequenceNumber": str(len(self.sent)), "track": self.track, "payload": payload}
        return json.dumps({"eventType": "media", **said})


@dataclass
class Answering:
    """A control that one worker asks: it can be slow, or away."""

    control: CallController
    delay_s: float = 0.0
    is_away: bool = False

    def __getattr__(self, name: str) -> Any:
        return partial(self._answer, name)

    def _answer(self, name: str, *question: Any, **more: Any) -> Any:
        time.sleep(self.delay_s)
        if self.is_away:
            raise Unavailable("the database is away")
        return getattr(self.control, name)(*question, **more)


@dataclass
class Pair:
    """Two workers, `near` and `far`, and the database and store that both know."""

    desk: Desk
    near: Rig
    far: Rig
    far_control: Answering
    closing: AsyncExitStack

    async def side(self, rig: Rig, track: str) -> Side:
        """Open a stream of the call that carries one track, talking."""
        uri = f"ws://127.0.0.1:{rig.port}/bandwidth/{token()}"
        socket = await self.closing.enter_async_context(connect(uri, compression=None))
        names = [{"name": track, "mediaFormat": {"encoding": "PCMU", "sampleRate": 8000}}]
        said = json.loads(start(stream_id=f"s-{track}"))
        said["metadata"]["tracks"] = names
        await socket.send(json.dumps(said))
        side = Side(track, rig, socket)
        side.task = asyncio.create_task(side.talk())
        self.closing.push_async_callback(side.hush)
        return side

    async def both(self) -> tuple[Side, Side]:
        """Open the call's inbound track at `near`, then its outbound track at `far`."""
        inbound = await self.side(self.near, "inbound")
        await until(self.streams)
        outbound = await self.side(self.far, "outbound")
        await until(lambda: len(self.streams()) == 2)
        return inbound, outbound

    async def third(self) -> Rig:
        """Run another worker of the deployment."""
        store = SlowStore(objects=self.near.store.objects)
        rig = replace(self.far, name="w-3", store=store, life=None)
        return await self.closing.enter_async_context(rig.running())

    def streams(self) -> list[Stream]:
        """Return the call's streams as the database knows them."""
        return self.desk.core.calls.streams(CALL_KEY)

    def captured_by(self) -> list[str]:
        """Return the worker that captures the call's streams."""
        return [stream.worker for stream in self.streams()]

    @property
    def recording(self) -> Recording:
        """Return the call's recording."""
        (found,) = self.desk.core.recordings.of_call(CALL_KEY)
        return found

    async def command(self, kind: CommandKind, worker: str, **facts: Any) -> None:
        """Give a command to a worker, and wait until it is carried out."""
        at = datetime.now(UTC)
        command = Command(
            command_id=f"{kind}-{at.isoformat()}",
            kind=kind,
            worker=worker,
            call_key=CALL_KEY,
            at=at,
            **{"recording_id": self.recording.recording_id, **facts},
        )
        self.near.mailbox.send(command)
        await until(lambda: not self.near.mailbox.is_waiting(command))

    async def ended(self) -> None:
        """Return when the call is closed."""
        await until(lambda: self.desk.workflows.finalizations, within_s=20)

    def heard(self) -> tuple[bytes, bytes, Manifest]:
        """Return the samples of the rendition's first and last channel, and its manifest."""
        renditions, recording = FakeRenditionStore(), self.recording
        assemble(
            recording.recording_id,
            1,
            recordings=self.desk.core.recordings,
            calls=self.desk.core.calls,
            media=self.near.store,
            renditions=renditions,
            encoder=FileEncoder(),
            now=lambda: datetime.now(UTC),
        )
        key = keys.rendition_key("main", recording.recording_id, "wav")
        with wave.open(io.BytesIO(renditions.objects[key])) as file:
            pcm, apart = file.readframes(file.getnframes()), file.getnchannels()
        samples = [pcm[at : at + 2] for at in range(0, len(pcm), 2)]
        (text,) = (v for k, v in renditions.objects.items() if k.endswith("manifest.json"))
        left, right = samples[0::apart], samples[apart - 1 :: apart]
        return b"".join(left), b"".join(right), parse_manifest(text.decode())

    def stored(self, prefix: str = "") -> bytes:
        """Return every byte that is stored under a prefix."""
        return b"".join(v for k, v in self.near.store.objects.items() if k.startswith(prefix))


@asynccontextmanager
async def pair(limits: Limits = UNHURRIED) -> AsyncIterator[Pair]:
    """Run two workers; stop what still lives as planned."""
    desk, near = office(record_call=RecordOptions(stereo=True))
    graces = Graces(broken=timedelta(seconds=1), dead=timedelta(seconds=1))
    desk.control = replace(desk.control, graces=graces)
    near = replace(near, limits=limits, control=desk.control)
    far_control = Answering(desk.control)
    far = Rig(
        name="w-2",
        control=cast(FakeControl, far_control),
        live=near.live,
        taps=near.taps,
        mailbox=near.mailbox,
        store=SlowStore(objects=near.store.objects),
        leases=near.leases,
        dead_workers=TakeoverController(
            clearing=DeadWorkerCleaner(
                control=desk.control,
                leases=near.leases,
                live_streams=desk.core.live_streams,
                media=near.store,
            ),
            now=lambda: datetime.now(UTC),
        ),
        limits=limits,
    )
    async with AsyncExitStack() as closing, near.running(), far.running():
        yield Pair(desk, near, far, far_control, closing)


def pcm(numbers: Iterable[int]) -> bytes:
    """Return frames decoded."""
    return b"".join(codecs.decode(frame(number), "PCMU") for number in numbers)
