"""A party that speaks into a call in real time, and what became of its recordings."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection

from chalicelib.capture.events import Encoding
from chalicelib.media import codecs
from chalicelib.media.pcm import WIDTH
from chalicelib.recording.commands import Command, CommandKind
from chalicelib.recording.model import Recording, RecordOptions
from chalicelib.services.calls.record_call import RecordCallRequest, RecordingRequester
from tests.services.core_desk import Desk
from tests.sink.calls.commanded_call import Stage
from tests.sink.calls.test_with_call_control import OFFICE, office
from tests.sink.rig import STOP, Rig, start, until

SIZE = 160 * WIDTH
QUIET = bytes(SIZE)


@dataclass
class Speaker:
    """Sends a frame each 20 ms: of what it shall say, else silence."""

    socket: ClientConnection
    sent: bytearray = field(default_factory=bytearray)
    """pcm, as it comes out of the codec"""
    script: deque[bytes] = field(default_factory=deque)
    is_muted: bool = False
    track = "inbound"

    async def say(self, pcm: bytes) -> None:
        """Say something; return when it is said."""
        self.script.extend(pcm[at : at + SIZE] for at in range(0, len(pcm), SIZE))
        await until(lambda: not self.script, 30)

    async def talk(self) -> None:
        """Talk until cancelled."""
        loop = asyncio.get_running_loop()
        begun, number = loop.time(), 0
        while True:
            number += 1
            if not self.is_muted:
                await self._send(self.script.popleft() if self.script else QUIET, number)
            await asyncio.sleep(begun + number * 0.02 - loop.time())

    async def _send(self, pcm: bytes, number: int) -> None:
        payload = codecs.encode(pcm, Encoding.PCMU)
        self.sent += codecs.decode(payload, Encoding.PCMU)
        await self.socket.send(self.message(payload, number))

    def message(self, payload: bytes, number: int) -> str | bytes:
        """Return one of Bandwidth's media messages."""
        said = {"sequenceNumber": str(number), "track": self.track}
        said["payload"] = base64.b64encode(payload).decode()
        return json.dumps({"eventType": "media", **said})


class BareSpeaker(Speaker):
    """Speaks over a tap."""

    def message(self, payload: bytes, number: int) -> str | bytes:
        """Return the payload: a tap's messages are nothing else."""
        return payload


class OutboundSpeaker(Speaker):
    """Speaks to the party."""

    track = "outbound"


@asynccontextmanager
async def talking(speaker: Speaker) -> AsyncIterator[None]:
    """Let a speaker talk."""
    task = asyncio.create_task(speaker.talk())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass
class Spoken:
    """A call with speech."""

    desk: Desk
    rig: Rig
    speaker: Speaker

    @property
    def recording(self) -> Recording:
        """Return the call's first recording."""
        return self.desk.core.recordings.of_call("main/bandwidth/c-1")[0]

    def row(self, recording_id: str) -> Recording:
        """Return a recording as it is stored."""
        return self.desk.core.recordings.get(recording_id)

    async def record(self, control_id: str, **options: Any) -> str:
        """Begin a further recording, as the API does; return its id."""
        requester = RecordingRequester(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            now=lambda: datetime.now(UTC),
            pending_for=timedelta(minutes=5),
        )
        request = RecordCallRequest(
            call_id="c-1", control_id=control_id, options=RecordOptions(**options)
        )
        asked = requester.request(self.desk.core.profiles.get("main", "support"), request)
        await self.command(CommandKind.RECORD_CALL, asked.recording_id)
        return asked.recording_id

    def heard(self) -> bytes:
        """Return the pcm of its rendition."""
        return Stage(self.desk, self.rig, self.speaker.socket).heard()

    def states(self) -> list[str]:
        """Return what its callbacks tell."""
        rows = self.desk.core.outbox.rows(self.recording.recording_id)
        return [str(row.state) for row in rows]

    def details(self) -> list[dict[str, Any]]:
        """Return what its history says."""
        events = self.desk.core.history.events(self.recording.recording_id)
        return [dict(event.detail) for event in events]

    async def command(self, kind: CommandKind, recording_id: str = "") -> None:
        """Give a command, and wait until it is carried out."""
        command = Command(
            command_id=f"{kind}-{recording_id}-{len(self.speaker.sent)}",
            kind=kind,
            worker="w-1",
            call_key="main/bandwidth/c-1",
            recording_id=recording_id or self.recording.recording_id,
            at=datetime.now(UTC),
        )
        self.rig.mailbox.send(command)
        await until(lambda: not self.rig.mailbox.is_waiting(command))


@asynccontextmanager
async def speaking(other_workers_s: float = 0.05, **options: Any) -> AsyncIterator[Spoken]:
    """Begin a recorded call; it stops when the block ends."""
    limits = replace(OFFICE, other_workers_s=other_workers_s)
    desk, rig = office(limits, record_call=RecordOptions(**options))
    async with rig.running(), rig.bandwidth() as socket:
        await socket.send(start())
        speaker = Speaker(socket)
        async with talking(speaker):
            await until(lambda: desk.core.store.recordings)
            yield Spoken(desk, rig, speaker)
        await socket.send(STOP)
        await until(lambda: not rig.sink.call_registry.calls)
