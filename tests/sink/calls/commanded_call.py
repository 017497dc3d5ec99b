"""A recorded call over a real socket, to which tests give commands."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import types
import wave
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.media import codecs
from chalicelib.recording import keys
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Recording, RecordOptions
from chalicelib.services.calls.record_call import RecordCallRequest, RecordingRequester
from chalicelib.services.finalization.assemble import assemble
from tests.fakes_media import FakeRenditionStore
from tests.services.core_desk import Desk
from tests.sink.calls.test_with_call_control import office
from tests.sink.rig import STOP, Rig, frame, start, until

CALL_KEY = "main/bandwidth/c-1"
SECRET = range(30_000, 30_040)
"""the numbers of frames that are said while everything is paused"""

BETWEEN = 60_000
"""the number of the frame that is sent while nothing particular is said"""


def message(sequence: int, number: int) -> str:
    """Return one of Bandwidth's media messages: a frame of any number."""
    payload = base64.b64encode(frame(number)).decode()
    said = {"sequenceNumber": str(sequence), "track": "inbound", "payload": payload}
    return json.dumps({"eventType": "media", **said})


@dataclass
class Stage:
    """A call on a sink, and the database that both know."""

    desk: Desk
    rig: Rig
    socket: ClientConnection
    sent: list[int] = field(default_factory=list)
    """the numbers of the frames so far"""
    script: deque[int] = field(default_factory=deque)

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Send a frame each 20 ms, as a carrier does, whatever else happens."""
        task = asyncio.create_task(self._talk())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.socket.send(STOP)

    async def say(self, numbers: Iterable[int]) -> None:
        """Have these frames sent next; return when they are."""
        self.script.extend(numbers)
        await until(lambda: not self.script)

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            self.sent.append(self.script.popleft() if self.script else BETWEEN)
            await self.socket.send(message(len(self.sent), self.sent[-1]))
            await asyncio.sleep(begun + len(self.sent) * 0.02 - loop.time())

    async def command(self, kind: CommandKind, recording_id: str = "", **facts: Any) -> None:
        """Give a command, and wait until it is carried out."""
        at = datetime.now(UTC)
        command = Command(
            command_id=f"{kind}-{at.isoformat()}",
            kind=kind,
            worker="w-1",
            call_key=CALL_KEY,
            recording_id=recording_id or self.recording.recording_id,
            at=at,
            **facts,
        )
        self.rig.mailbox.send(command)
        await until(lambda: not self.rig.mailbox.is_waiting(command))
        await self.say([BETWEEN])  # the frame that was under way

    @property
    def recording(self) -> Recording:
        """Return the call's first recording."""
        return self.desk.core.recordings.of_call(CALL_KEY)[0]

    def request(self, control_id: str) -> str:
        """Ask for a further recording, as the API does; return its id."""
        profile = self.desk.core.profiles.get("main", "support")
        requester = RecordingRequester(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            now=lambda: datetime.now(UTC),
            pending_for=timedelta(minutes=5),
        )
        options = RecordOptions()
        request = RecordCallRequest(call_id="c-1", control_id=control_id, options=options)
        return requester.request(profile, request).recording_id

    def heard(self, recording_id: str = "") -> bytes:
        """Return the samples of a recording's rendition."""
        renditions = FakeRenditionStore()
        wanted = recording_id or self.recording.recording_id
        assemble(
            wanted,
            1,
            recordings=self.desk.core.recordings,
            calls=self.desk.core.calls,
            media=self.rig.store,
            renditions=renditions,
            encoder=FileEncoder(),
            now=lambda: datetime.now(UTC),
        )
        body = renditions.objects[keys.rendition_key("main", wanted, "wav")]
        with wave.open(io.BytesIO(body)) as file:
            return file.readframes(file.getnframes())

    def states(self, recording_id: str = "") -> list[str]:
        """Return what the callbacks of a recording tell."""
        rows = self.desk.core.outbox.rows(recording_id or self.recording.recording_id)
        return [str(row.state) for row in rows]


@asynccontextmanager
async def stage(**options: Any) -> AsyncIterator[Stage]:
    """Begin a recorded call; it stops when the block ends."""
    desk, rig = office(record_call=RecordOptions(**options))
    async with rig.running(), rig.bandwidth() as socket:
        await socket.send(start())
        await until(lambda: desk.core.store.recordings)
        on = Stage(desk, rig, socket)
        async with on.talking():
            yield on
        await until(lambda: not rig.sink.call_registry.calls)


def a_pause(recording_id: str, call_key: str = CALL_KEY) -> Command:
    """Return a command."""
    return Command(
        command_id="x",
        kind=CommandKind.PAUSE,
        worker="w-1",
        call_key=call_key,
        recording_id=recording_id,
        at=datetime.now(UTC),
    )


def pcm(numbers: Iterable[int]) -> bytes:
    """Return frames decoded."""
    return b"".join(codecs.decode(frame(number), "PCMU") for number in numbers)


def holds(root: object, payload: bytes) -> bool:
    """Whether any object that is reachable from this one holds these bytes."""
    seen: set[int] = set()
    found = [root]
    while found:
        one = found.pop()
        if id(one) in seen or isinstance(one, types.ModuleType | type | types.FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray) and payload in one:
            return True
        found += gc.get_referents(one)
    return False
